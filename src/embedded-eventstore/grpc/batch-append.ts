import type streams from '@eventstore/db-client/generated/streams_pb.js';
import { createAnswers, createGate } from './batch-answers.js';
import { bidirectional, unanswered, type ServiceContext } from './handlers.js';
import { uuidOf } from './identifiers.js';
import { toRpcError } from './rpc-error.js';
import { consumeMessages } from './streaming.js';
import { confirmedWithin } from './calls.js';
import { createUnfinished, openedBy, type PendingAppend } from './unfinished-appends.js';

/** Appends in progress or with unread responses; at this limit reading from the client pauses. */
const MAX_IN_FLIGHT = 512;

/** Requests that arrive during shutdown stay unread; the end of the call tells the client. */
const never = () => new Promise<void>(() => undefined);

/**
 * Many appends over one call, each answered exactly once. An append is passed to the log as soon as
 * its last part is read and before the next request is read, so appends keep their order and share
 * group commits. Responses are sent in the order in which appends settle.
 */
export const batchAppend = (context: ServiceContext) =>
  bidirectional<streams.BatchAppendReq, streams.BatchAppendResp>(context, async (call, signal) => {
    const { calls, logger, maxAppendBytes } = context;
    const gate = createGate(signal);
    const answers = createAnswers(call, gate);
    const unfinished = createUnfinished((append) => answers.settle(append, { kind: 'timeout' }));

    const submit = (append: PendingAppend): void => {
      gate.enter();
      const answered = appendToLog(context, append).then(
        (outcome) => answers.settle(append, outcome),
        (error: unknown) => answers.fail(append, toRpcError(error, logger)),
      );
      calls.finish(answered.finally(gate.leave)).catch(unanswered(logger));
    };

    const grow = (id: string, append: PendingAppend, request: streams.BatchAppendReq): void => {
      if (append.deadlineAt <= Date.now()) {
        answers.settle(append, { kind: 'timeout' });
        return;
      }
      for (const message of request.getProposedMessagesList()) append.proposal.add(message);
      if (append.proposal.tooLarge) {
        answers.settle(append, { kind: 'too-large', limit: maxAppendBytes });
        return;
      }
      if (request.getIsFinal()) submit(append);
      else unfinished.keep(id, append);
    };

    const accept = (request: streams.BatchAppendReq): Promise<void> | undefined => {
      if (calls.stopping) return never();
      let append: PendingAppend | undefined;
      try {
        const id = uuidOf(request.getCorrelationId(), 'A correlation id');
        append = unfinished.take(id) ?? openedBy(request, context);
        // Otherwise this continues an append that has already been answered.
        if (append !== undefined) grow(id, append, request);
      } catch (error) {
        answers.refuse(request, append, toRpcError(error, logger));
      }
      return gate.atMost(MAX_IN_FLIGHT);
    };

    try {
      await consumeMessages(call, signal, accept);
      await gate.atMost(0);
      // A call with unanswered appends must not end with OK.
      signal.throwIfAborted();
    } finally {
      unfinished.clear();
    }
  });

const appendToLog = async ({ log }: ServiceContext, append: PendingAppend) => {
  const { stream, expected, proposal, deadlineAt } = append;
  const writing = log.append(stream, expected, proposal.events);
  const outcome = await confirmedWithin(writing, deadlineAt - Date.now());
  return outcome.kind === 'wrong-revision' ? { ...outcome, expected } : outcome;
};
