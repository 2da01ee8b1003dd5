import shared from '@eventstore/db-client/generated/shared_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import type { AppendOutcome, Expected } from '../log/event-log.js';
import {
  clientStreaming,
  confirmedWithin,
  receiveAll,
  type ServiceContext,
  unary,
} from './calls.js';
import { expectedOf, uuidOf, writableStreamOf } from './request-shapes.js';
import {
  invalidArgument,
  maximumAppendSizeExceeded,
  streamDeleted,
  wrongExpectedVersion,
} from './rpc-error.js';
import { createProposal, type ProposedEvent } from './unfinished-appends.js';

/** The classic append: one call per append, its options first, then one message per event. */
export const appendCall = (context: ServiceContext) =>
  clientStreaming<streams.AppendReq, streams.AppendResp>(context, async (call, signal) => {
    const proposal = createProposal(context.maxAppendBytes);
    let target: { stream: string; expected: Expected } | undefined;
    await receiveAll(call, signal, (request: streams.AppendReq) => {
      if (target === undefined) {
        target = appendTarget(request);
        return;
      }
      const message = request.getProposedMessage();
      if (message === undefined) throw invalidArgument('A proposed message is required.');
      proposal.add(proposedEvent(message));
      if (proposal.tooLarge) throw maximumAppendSizeExceeded(context.maxAppendBytes);
    });
    if (target === undefined) throw invalidArgument('An append starts with its options.');
    const { stream, expected } = target;
    const writing = context.log.append(stream, expected, proposal.events);
    const outcome = await context.calls.finish(confirmedWithin(writing, context.appendTimeoutMs));
    return appendResponse(stream, expected, outcome);
  });

const proposedEvent = (message: streams.AppendReq.ProposedMessage): ProposedEvent => {
  const properties = message.getMetadataMap();
  return {
    id: uuidOf(message.getId(), 'An event id'),
    type: properties.get('type') ?? '',
    contentType: properties.get('content-type') ?? '',
    data: message.getData_asU8(),
    metadata: message.getCustomMetadata_asU8(),
  };
};

const appendTarget = (request: streams.AppendReq) => {
  const options = request.getOptions();
  if (options === undefined) throw invalidArgument('An append starts with its options.');
  return {
    stream: writableStreamOf(options.getStreamIdentifier()),
    expected: expectedOf(options, options.hasRevision() ? options.getRevision() : undefined),
  };
};

/** A conflict is a normal response of this call; other refusals are errors. */
const appendResponse = (
  stream: string,
  expected: Expected,
  outcome: AppendOutcome,
): streams.AppendResp => {
  switch (outcome.kind) {
    case 'written':
      return new streams.AppendResp().setSuccess(appendSuccess(outcome));
    case 'wrong-revision':
      return new streams.AppendResp().setWrongExpectedVersion(
        appendConflict(expected, outcome.actual),
      );
    case 'deleted':
      throw streamDeleted(stream);
    case 'too-large':
      throw maximumAppendSizeExceeded(outcome.limit);
  }
};

interface Written {
  readonly revision: bigint;
  readonly position: bigint;
}

/** An empty append to a stream that does not exist has neither revision nor position. */
const appendSuccess = ({ revision, position }: Written): streams.AppendResp.Success => {
  const success = new streams.AppendResp.Success();
  if (revision < 0n) success.setNoStream(new shared.Empty());
  else success.setCurrentRevision(revision.toString());
  return withPosition(success, new streams.AppendResp.Position(), position);
};

/** The generated classes of the three responses have no common one. */
interface PositionMessage {
  setCommitPosition(value: string): unknown;
  setPreparePosition(value: string): unknown;
}

interface PositionedResponse<Place> {
  setNoPosition(value: shared.Empty): unknown;
  setPosition(value: Place): unknown;
}

const withPosition = <Place extends PositionMessage, Response extends PositionedResponse<Place>>(
  response: Response,
  place: Place,
  position: bigint,
): Response => {
  if (position <= 0n) {
    response.setNoPosition(new shared.Empty());
    return response;
  }
  place.setCommitPosition(position.toString());
  place.setPreparePosition(position.toString());
  response.setPosition(place);
  return response;
};

/** Sets both forms of each field: older clients read one, newer clients the other. */
const appendConflict = (
  expected: Expected,
  actual: bigint | 'no_stream',
): streams.AppendResp.WrongExpectedVersion => {
  const conflict = new streams.AppendResp.WrongExpectedVersion();
  if (actual === 'no_stream') conflict.setCurrentNoStream(new shared.Empty());
  else conflict.setCurrentRevision(actual.toString());
  switch (expected) {
    case 'any':
      return conflict.setExpectedAny(new shared.Empty());
    case 'stream_exists':
      return conflict.setExpectedStreamExists(new shared.Empty());
    case 'no_stream':
      return conflict.setExpectedNoStream(new shared.Empty());
    default:
      return conflict.setExpectedRevision(expected.toString());
  }
};

/** A soft delete: hides the events of a stream until it is written to again. */
export const deleteStream = (context: ServiceContext) =>
  unary<streams.DeleteReq, streams.DeleteResp>(context, async (request) => {
    const { stream, expected } = deletionTarget(request.getOptions());
    const writing = context.log.softDelete(stream, expected);
    const outcome = await context.calls.finish(confirmedWithin(writing, context.appendTimeoutMs));
    const position = positionOrThrow('Delete', stream, expected, outcome);
    return withPosition(new streams.DeleteResp(), new streams.DeleteResp.Position(), position);
  });

/** A hard delete: the stream can never be written to again. */
export const tombstoneStream = (context: ServiceContext) =>
  unary<streams.TombstoneReq, streams.TombstoneResp>(context, async (request) => {
    const { stream, expected } = deletionTarget(request.getOptions());
    const writing = context.log.tombstone(stream, expected);
    const outcome = await context.calls.finish(confirmedWithin(writing, context.appendTimeoutMs));
    const position = positionOrThrow('Tombstone', stream, expected, outcome);
    return withPosition(
      new streams.TombstoneResp(),
      new streams.TombstoneResp.Position(),
      position,
    );
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
