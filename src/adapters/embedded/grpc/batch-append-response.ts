import codes from '@eventstore/db-client/generated/code_pb.js';
import shared from '@eventstore/db-client/generated/shared_pb.js';
import statuses from '@eventstore/db-client/generated/status_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import any from 'google-protobuf/google/protobuf/any_pb.js';
import empty from 'google-protobuf/google/protobuf/empty_pb.js';
import type { AppendOutcome, Expected } from '../log/event-log.js';

const { Code } = codes;

type Refused = Extract<AppendOutcome, { readonly kind: 'wrong-revision' }>;

/** Outcomes of an append, and what can happen to one that never reached the log. */
export type BatchOutcome =
  | Exclude<AppendOutcome, Refused>
  | (Refused & { readonly expected: Expected })
  | { readonly kind: 'timeout' }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'denied' }
  | { readonly kind: 'bad-request'; readonly message: string };

/** Everything is always set: clients read the stream and the type of the details unasked. */
export const batchAppendResponse = (
  correlationId: shared.UUID | undefined,
  identifier: shared.StreamIdentifier,
  outcome: BatchOutcome,
): streams.BatchAppendResp => {
  const response = new streams.BatchAppendResp();
  response.setCorrelationId(correlationId);
  response.setStreamIdentifier(identifier);
  if (outcome.kind === 'written') return response.setSuccess(success(outcome));
  return response.setError(failure(identifier, outcome));
};

const success = (written: { readonly revision: bigint; readonly position: bigint }) => {
  const message = new streams.BatchAppendResp.Success();
  if (written.revision < 0n) message.setNoStream(new empty.Empty());
  else message.setCurrentRevision(written.revision.toString());
  if (written.position <= 0n) return message.setNoPosition(new empty.Empty());
  const position = new shared.AllStreamPosition();
  position.setCommitPosition(written.position.toString());
  position.setPreparePosition(written.position.toString());
  return message.setPosition(position);
};

type Failure = Exclude<BatchOutcome, { readonly kind: 'written' }>;

const failure = (identifier: shared.StreamIdentifier, outcome: Failure): statuses.Status => {
  switch (outcome.kind) {
    case 'wrong-revision':
      return status(Code.ALREADY_EXISTS, 'WrongExpectedVersion', conflict(outcome));
    case 'deleted': {
      const details = new shared.StreamDeleted().setStreamIdentifier(identifier);
      return status(Code.NOT_FOUND, 'StreamDeleted', details);
    }
    case 'too-large': {
      const details = new shared.MaximumAppendSizeExceeded().setMaxappendsize(outcome.limit);
      return status(Code.INVALID_ARGUMENT, 'MaximumAppendSizeExceeded', details);
    }
    case 'timeout':
      return status(Code.DEADLINE_EXCEEDED, 'Timeout', new shared.Timeout());
    case 'unknown':
      return status(Code.UNKNOWN, 'Unknown', new shared.Unknown());
    case 'denied':
      return status(Code.PERMISSION_DENIED, 'AccessDenied', new shared.AccessDenied());
    case 'bad-request': {
      const details = new shared.BadRequest().setMessage(outcome.message);
      return status(Code.INVALID_ARGUMENT, 'BadRequest', details);
    }
  }
};

/** Clients decide by the name of the type in the details. */
const status = (
  code: codes.Code,
  name: string,
  details: { serializeBinary(): Uint8Array },
): statuses.Status => {
  const packed = new any.Any();
  packed.pack(details.serializeBinary(), `event_store.client.${name}`);
  return new statuses.Status().setCode(code).setMessage(name).setDetails(packed);
};

const conflict = ({
  expected,
  actual,
}: Extract<Failure, { readonly kind: 'wrong-revision' }>): shared.WrongExpectedVersion => {
  const details = new shared.WrongExpectedVersion();
  if (actual === 'no_stream') details.setCurrentNoStream(new empty.Empty());
  else details.setCurrentStreamRevision(actual.toString());
  switch (expected) {
    case 'any':
      return details.setExpectedAny(new empty.Empty());
    case 'stream_exists':
      return details.setExpectedStreamExists(new empty.Empty());
    case 'no_stream':
      return details.setExpectedNoStream(new empty.Empty());
    default:
      return details.setExpectedStreamPosition(expected.toString());
  }
};
