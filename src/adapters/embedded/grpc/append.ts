import streams from '@eventstore/db-client/generated/streams_pb.js';
import type { AppendOutcome, Expected } from '../log/event-log.js';
import { appendConflict, appendSuccess } from './append-response.js';
import { expectedOf } from './expected-revision.js';
import { clientStreaming, type ServiceContext } from './handlers.js';
import { writableStreamOf } from './identifiers.js';
import { createProposal } from './proposed-events.js';
import { invalidArgument, maximumAppendSizeExceeded, streamDeleted } from './rpc-error.js';
import { receiveAll } from './streaming.js';
import { within } from './timed.js';

/** The classic append: one call per append, the options first, then one message per event. All or nothing. */
export const append = (context: ServiceContext) =>
  clientStreaming<streams.AppendReq, streams.AppendResp>(context, async (call, signal) => {
    const proposal = createProposal(context.maxAppendBytes);
    let target: { stream: string; expected: Expected } | undefined;
    await receiveAll(call, signal, (request: streams.AppendReq) => {
      if (target === undefined) {
        target = targetOf(request);
        return;
      }
      const message = request.getProposedMessage();
      if (message === undefined) throw invalidArgument('A proposed message is required.');
      proposal.add(message);
      if (proposal.tooLarge) throw maximumAppendSizeExceeded(context.maxAppendBytes);
    });
    if (target === undefined) throw invalidArgument('An append starts with its options.');
    const { stream, expected } = target;
    const writing = context.log.append(stream, expected, proposal.events);
    const outcome = await context.calls.finish(within(writing, context.appendTimeoutMs));
    return appendResponse(stream, expected, outcome);
  });

const targetOf = (request: streams.AppendReq) => {
  const options = request.getOptions();
  if (options === undefined) throw invalidArgument('An append starts with its options.');
  return {
    stream: writableStreamOf(options.getStreamIdentifier()),
    expected: expectedOf(options, options.hasRevision() ? options.getRevision() : undefined),
  };
};

/** A conflict is a normal answer of this call, other refusals are errors. */
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
