import { StreamsClient } from '@eventstore/db-client/generated/streams_grpc_pb.js';
import shared from '@eventstore/db-client/generated/shared_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import { credentials, type ClientDuplexStream, type ServiceError } from '@grpc/grpc-js';
import empty from 'google-protobuf/google/protobuf/empty_pb.js';
import timestamp from 'google-protobuf/google/protobuf/timestamp_pb.js';
import { randomUUID } from 'node:crypto';

/** The protocol without a client around it, to say what no honest client says. */
export const rawStreams = (port: number): StreamsClient =>
  new StreamsClient(`127.0.0.1:${port}`, credentials.createInsecure(), {
    'grpc.max_receive_message_length': -1,
    'grpc.use_local_subchannel_pool': 1,
  });

export const identifier = (name: string | Uint8Array): shared.StreamIdentifier =>
  new shared.StreamIdentifier().setStreamName(Buffer.from(name));

const uuid = (text: string): shared.UUID => new shared.UUID().setString(text);

export interface BatchRequest {
  readonly correlationId?: string;
  readonly stream?: string | Uint8Array;
  /** Milliseconds from now. */
  readonly deadlineMs?: number;
  readonly events?: readonly streams.BatchAppendReq.ProposedMessage[];
  readonly final?: boolean;
}

export const batchRequest = (request: BatchRequest): streams.BatchAppendReq => {
  const message = new streams.BatchAppendReq();
  if (request.correlationId !== undefined) message.setCorrelationId(uuid(request.correlationId));
  if (request.stream !== undefined) {
    const options = new streams.BatchAppendReq.Options();
    options.setStreamIdentifier(identifier(request.stream)).setAny(new empty.Empty());
    if (request.deadlineMs !== undefined) {
      options.setDeadline(timestamp.Timestamp.fromDate(new Date(Date.now() + request.deadlineMs)));
    }
    message.setOptions(options);
  }
  message.setProposedMessagesList([...(request.events ?? [])]);
  return message.setIsFinal(request.final ?? true);
};

export const proposed = ({
  id = randomUUID(),
  type = 'Clicked',
  contentType = 'application/json',
  data = new Uint8Array(),
}: {
  readonly id?: string;
  readonly type?: string;
  readonly contentType?: string;
  readonly data?: Uint8Array;
} = {}): streams.BatchAppendReq.ProposedMessage => {
  const message = new streams.BatchAppendReq.ProposedMessage();
  message.getMetadataMap().set('type', type).set('content-type', contentType);
  return message.setId(uuid(id)).setData(data);
};

/** What comes back on a batch call, by correlation id: a revision, or the name of a failure. */
export const batchAnswers = (
  call: ClientDuplexStream<streams.BatchAppendReq, streams.BatchAppendResp>,
) => {
  const answers: [string, string][] = [];
  const ended = new Promise<ServiceError | undefined>((resolve) => {
    call.on('error', resolve).on('end', () => resolve(undefined));
  });
  call.on('data', (response: streams.BatchAppendResp) => {
    const type = response.getError()?.getDetails()?.getTypeName();
    answers.push([
      response.getCorrelationId()?.getString() ?? '',
      type ?? response.getSuccess()?.getCurrentRevision() ?? '',
    ]);
  });
  return { answers, ended };
};
