import shared from '@eventstore/db-client/generated/shared_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import type { AppendOutcome, Expected } from '../log/event-log.js';
import { expectedOf, writableStreamOf } from './identifiers.js';
import { unary, type ServiceContext } from './handlers.js';
import {
  invalidArgument,
  maximumAppendSizeExceeded,
  streamDeleted,
  wrongExpectedVersion,
} from './rpc-error.js';
import { confirmedWithin } from './calls.js';

/** A soft delete: hides the events of a stream until it is written to again. */
export const deleteStream = (context: ServiceContext) =>
  unary<streams.DeleteReq, streams.DeleteResp>(context, async (request) => {
    const { stream, expected } = deletionTarget(request.getOptions());
    const writing = context.log.softDelete(stream, expected);
    const outcome = await context.calls.finish(confirmedWithin(writing, context.appendTimeoutMs));
    const position = positionOrThrow('Delete', stream, expected, outcome);
    const response = new streams.DeleteResp();
    if (position <= 0n) return response.setNoPosition(new shared.Empty());
    const place = new streams.DeleteResp.Position();
    place.setCommitPosition(position.toString());
    place.setPreparePosition(position.toString());
    return response.setPosition(place);
  });

/** A hard delete: the stream can never be written to again. */
export const tombstoneStream = (context: ServiceContext) =>
  unary<streams.TombstoneReq, streams.TombstoneResp>(context, async (request) => {
    const { stream, expected } = deletionTarget(request.getOptions());
    const writing = context.log.tombstone(stream, expected);
    const outcome = await context.calls.finish(confirmedWithin(writing, context.appendTimeoutMs));
    const position = positionOrThrow('Tombstone', stream, expected, outcome);
    const response = new streams.TombstoneResp();
    if (position <= 0n) return response.setNoPosition(new shared.Empty());
    const place = new streams.TombstoneResp.Position();
    place.setCommitPosition(position.toString());
    place.setPreparePosition(position.toString());
    return response.setPosition(place);
  });

const deletionTarget = (
  options: streams.DeleteReq.Options | streams.TombstoneReq.Options | undefined,
): { stream: string; expected: Expected } => {
  if (options === undefined) throw invalidArgument('Options are required.');
  return {
    stream: writableStreamOf(options.getStreamIdentifier()),
    expected: expectedOf(options, options.hasRevision() ? options.getRevision() : undefined),
  };
};

const positionOrThrow = (
  operation: string,
  stream: string,
  expected: Expected,
  outcome: AppendOutcome,
): bigint => {
  switch (outcome.kind) {
    case 'written':
      return outcome.position;
    case 'wrong-revision':
      throw wrongExpectedVersion(operation, stream, expected, outcome.actual);
    case 'deleted':
      throw streamDeleted(stream);
    case 'too-large':
      throw maximumAppendSizeExceeded(outcome.limit);
  }
};
