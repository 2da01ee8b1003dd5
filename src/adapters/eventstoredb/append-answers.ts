import code from '@eventstore/db-client/generated/code_pb.js';
import shared from '@eventstore/db-client/generated/shared_pb.js';
import type { Status } from '@eventstore/db-client/generated/status_pb.js';
import type { AppendResp, BatchAppendResp } from '@eventstore/db-client/generated/streams_pb.js';
import {
  OutcomeUnknownError,
  PortError,
  StreamDeletedError,
  UnavailableError,
  WrongExpectedRevisionError,
} from '../../ports/errors.js';
import type { Position } from '../../ports/event-store.js';
import type { Append } from './append-requests.js';
import { accessDenied, tooLarge } from './errors.js';
import { positionOf } from './recorded-event.js';

export interface Appended {
  readonly revision: bigint;
  /** A server may leave it out when it recognises a repeat. */
  readonly position: Position | undefined;
}

/** Throws what the server says instead of success. */
export const batchAnswer = (response: BatchAppendResp, append: Append): Appended => {
  const success = response.getSuccess();
  if (success === undefined) throw batchError(response.getError(), append);
  return appended(success);
};

/** Throws the one refusal that comes as an answer; others fail the call. */
export const aloneAnswer = (response: AppendResp, append: Append): Appended => {
  const success = response.getSuccess();
  if (success !== undefined) return appended(success);
  const wrong = response.getWrongExpectedVersion();
  throw conflict(append, wrong?.hasCurrentRevision() ? wrong.getCurrentRevision() : undefined);
};

const appended = (success: AppendResp.Success | BatchAppendResp.Success): Appended => {
  const position = success.getPosition();
  return {
    revision: BigInt(success.getCurrentRevision()),
    position: position === undefined ? undefined : positionOf(position),
  };
};

const conflict = ({ stream, expected }: Append, current: string | undefined) => {
  // Where there is no stream some answers leave the revision out, others say -1.
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
      const wrong = shared.WrongExpectedVersion.deserializeBinary(details?.getValue_asU8() ?? NONE);
      const known = wrong.hasCurrentStreamRevision();
      return conflict(append, known ? wrong.getCurrentStreamRevision() : undefined);
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
  // A node that is starting, drowning or no leader hands the append back without looking at it, and
  // says so in the message alone.
  return name === 'Empty' && error?.getCode() !== code.Code.INTERNAL
    ? new UnavailableError('The event store takes no appends for now.', { context })
    : new OutcomeUnknownError('The event store cannot say what became of the append.', { context });
};

const NONE = new Uint8Array();
