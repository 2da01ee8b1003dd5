import shared from '@eventstore/db-client/generated/shared_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import type { AppendReq, BatchAppendReq } from '@eventstore/db-client/generated/streams_pb.js';
import empty from 'google-protobuf/google/protobuf/empty_pb.js';
import timestamp from 'google-protobuf/google/protobuf/timestamp_pb.js';
import { TooLargeError } from '../../ports/errors.js';
import type { ExpectedRevision, NewEvent } from '../../ports/event-store.js';
import { streamIdentifier } from './requests.js';

/** An event as it goes over the wire. */
export interface EncodedEvent {
  readonly id: string;
  readonly type: string;
  readonly data: Uint8Array;
  readonly metadata: Uint8Array;
}

export interface Append {
  readonly stream: string;
  readonly expected: ExpectedRevision;
  readonly events: readonly EncodedEvent[];
}

export const encodeEvent = ({ id, type, data, metadata }: NewEvent): EncodedEvent => ({
  id,
  type,
  data: Buffer.from(JSON.stringify(data), 'utf8'),
  metadata: Buffer.from(JSON.stringify(metadata), 'utf8'),
});

/**
 * No server takes a message of 16 MiB; one that is larger would end the batch call, and with it
 * appends that have nothing to do with it.
 */
const MAX_MESSAGE_BYTES = 15 * 1024 * 1024;

export const refuseTooLarge = ({ stream, events }: Append): void => {
  const bytes = events.reduce((sum, one) => sum + one.data.length + one.metadata.length, 0);
  if (bytes <= MAX_MESSAGE_BYTES) return;
  throw new TooLargeError('The append is larger than any server takes.', {
    context: { stream, bytes, limitBytes: MAX_MESSAGE_BYTES },
  });
};

/**
 * The deadline of a batch is a time of day, read by the server's clock. The server has a shorter
 * limit of its own and we have our timer, so it only has to survive clocks that disagree.
 */
const CLOCK_SKEW_MS = 24 * 60 * 60 * 1000;

export const batchRequest = (
  correlationId: string,
  { stream, expected, events }: Append,
): BatchAppendReq => {
  const deadline = timestamp.Timestamp.fromDate(new Date(Date.now() + CLOCK_SKEW_MS));
  const options = new streams.BatchAppendReq.Options()
    .setStreamIdentifier(streamIdentifier(stream))
    .setDeadline(deadline);
  if (expected === 'no_stream') options.setNoStream(new empty.Empty());
  else options.setStreamPosition(expected.toString());
  return new streams.BatchAppendReq()
    .setCorrelationId(uuid(correlationId))
    .setOptions(options)
    .setProposedMessagesList(
      events.map((event) => fill(new streams.BatchAppendReq.ProposedMessage(), event)),
    )
    .setIsFinal(true);
};

export const aloneRequests = ({ stream, expected, events }: Append): AppendReq[] => {
  const options = new streams.AppendReq.Options().setStreamIdentifier(streamIdentifier(stream));
  if (expected === 'no_stream') options.setNoStream(new shared.Empty());
  else options.setRevision(expected.toString());
  return [
    new streams.AppendReq().setOptions(options),
    ...events.map((event) =>
      new streams.AppendReq().setProposedMessage(
        fill(new streams.AppendReq.ProposedMessage(), event),
      ),
    ),
  ];
};

const uuid = (id: string) => new shared.UUID().setString(id);

type ProposedMessage = BatchAppendReq.ProposedMessage | AppendReq.ProposedMessage;

const fill = <Message extends ProposedMessage>(message: Message, event: EncodedEvent): Message => {
  message.setId(uuid(event.id));
  message.getMetadataMap().set('type', event.type).set('content-type', 'application/json');
  message.setData(event.data);
  message.setCustomMetadata(event.metadata);
  return message;
};
