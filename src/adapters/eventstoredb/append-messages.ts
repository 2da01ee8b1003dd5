import code from '@eventstore/db-client/generated/code_pb.js';
import shared from '@eventstore/db-client/generated/shared_pb.js';
import type { Status } from '@eventstore/db-client/generated/status_pb.js';
import streams, {
  type AppendReq,
  type AppendResp,
} from '@eventstore/db-client/generated/streams_pb.js';
import {
  OutcomeUnknownError,
  PortError,
  StreamDeletedError,
  TooLargeError,
  UnavailableError,
  WrongExpectedRevisionError,
} from '../../ports/errors.js';
import {
  type EncodedEvent,
  isEncoded,
  type NewEvent,
  type Position,
} from '../../ports/event-store.js';
import type { Append, BatchResponse } from './batch-messages.js';
import { accessDenied, tooLarge } from './errors.js';
import { streamIdentifier, toPosition } from './messages.js';

export const encodeEvent = (event: NewEvent | EncodedEvent): EncodedEvent => {
  if (isEncoded(event)) return event;
  const { id, type, data, metadata } = event;
  const json = { data: JSON.stringify(data), metadata: JSON.stringify(metadata) };
  return {
    id,
    type,
    data: Buffer.from(json.data, 'utf8'),
    metadata: Buffer.from(json.metadata, 'utf8'),
    isJson: true,
  };
};

/**
 * No server accepts a message of 16 MiB; a larger one would end the batch call and with it
 * unrelated appends.
 */
const MAX_MESSAGE_BYTES = 15 * 1024 * 1024;

export const refuseTooLarge = ({ stream, events }: Append): void => {
  const bytes = events.reduce((sum, one) => sum + one.data.length + one.metadata.length, 0);
  if (bytes <= MAX_MESSAGE_BYTES) return;
  throw new TooLargeError('The append is larger than any server accepts.', {
    context: { stream, bytes, limitBytes: MAX_MESSAGE_BYTES },
  });
};

export const aloneRequests = ({ stream, expected, events }: Append): AppendReq[] => {
  const options = new streams.AppendReq.Options().setStreamIdentifier(streamIdentifier(stream));
  if (expected === 'no_stream') options.setNoStream(new shared.Empty());
  else options.setRevision(expected.toString());
  return [
    new streams.AppendReq().setOptions(options),
    ...events.map((event) => new streams.AppendReq().setProposedMessage(proposedMessage(event))),
  ];
};

const uuidMessageOf = (id: string) => new shared.UUID().setString(id);

const proposedMessage = (event: EncodedEvent): AppendReq.ProposedMessage => {
  const message = new streams.AppendReq.ProposedMessage();
  message.setId(uuidMessageOf(event.id));
  message
    .getMetadataMap()
    .set('type', event.type)
    .set('content-type', event.isJson ? 'application/json' : 'application/octet-stream');
  message.setData(event.data);
  message.setCustomMetadata(event.metadata);
  return message;
};

export interface Appended {
  readonly revision: bigint;
  /** A server may omit it for a repeat. */
  readonly position: Position | undefined;
}

/** Throws the server's error if the append did not succeed. */
export const batchAnswer = ({ success, error }: BatchResponse, append: Append): Appended => {
  if (success === undefined) throw batchError(error, append);
  return success;
};

/** Throws a conflict, the only refusal sent as a response; others fail the call. */
export const aloneAnswer = (response: AppendResp, append: Append): Appended => {
  const success = response.getSuccess();
  if (success !== undefined) return appended(success);
  const wrong = response.getWrongExpectedVersion();
  throw conflictError(append, wrong?.hasCurrentRevision() ? wrong.getCurrentRevision() : undefined);
};

const appended = (success: AppendResp.Success): Appended => {
  const position = success.getPosition();
  return {
    revision: BigInt(success.getCurrentRevision()),
    position: position === undefined ? undefined : toPosition(position),
  };
};

const conflictError = ({ stream, expected }: Append, current: string | undefined) => {
  // Without a stream some responses omit the revision, others have -1.
  const revision = BigInt.asIntN(64, BigInt(current ?? -1));
  const actual = revision < 0n ? 'no_stream' : revision;
  return new WrongExpectedRevisionError(stream, expected, actual);
};

const batchError = (error: Status | undefined, append: Append): Error => {
  const details = error?.getDetails();
  const name = details?.getTypeName().split('.').at(-1) ?? '';
  const message = error?.getMessage() ?? '';
  switch (name) {
    case 'WrongExpectedVersion': {
      const wrong = shared.WrongExpectedVersion.deserializeBinary(
        details?.getValue_asU8() ?? NO_DETAILS,
      );
      const known = wrong.hasCurrentStreamRevision();
      return conflictError(append, known ? wrong.getCurrentStreamRevision() : undefined);
    }
    case 'StreamDeleted':
      return new StreamDeletedError(append.stream);
    case 'AccessDenied':
      return accessDenied(append.stream);
    case 'MaximumAppendSizeExceeded':
    case 'MaximumAppendEventSizeExceeded':
      return tooLarge(append.stream);
  }
  const context = { stream: append.stream, name, message };
  if (name === 'BadRequest') {
    return new PortError('NOT_SUPPORTED', 'The event store refuses the append.', false, {
      context,
    });
  }
  // A node that is starting, overloaded or not the leader returns the append unprocessed, which
  // only its message tells.
  return name === 'Empty' && error?.getCode() !== code.Code.INTERNAL
    ? new UnavailableError('The event store is not accepting appends at the moment.', { context })
    : new OutcomeUnknownError('The event store does not know the outcome of the append.', {
        context,
      });
};

const NO_DETAILS = new Uint8Array();
