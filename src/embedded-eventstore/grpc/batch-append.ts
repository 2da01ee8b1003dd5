import codes from '@eventstore/db-client/generated/code_pb.js';
import shared from '@eventstore/db-client/generated/shared_pb.js';
import statuses from '@eventstore/db-client/generated/status_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import { type ServerDuplexStream, status } from '@grpc/grpc-js';
import any from 'google-protobuf/google/protobuf/any_pb.js';
import empty from 'google-protobuf/google/protobuf/empty_pb.js';
import type { AppendOutcome, Expected } from '../log/event-log.js';
import {
  bidirectional,
  confirmedWithin,
  consumeMessages,
  type ServiceContext,
  unanswered,
} from './calls.js';
import { identifierOf, uuidOf } from './request-shapes.js';
import { type RpcError, toRpcError } from './rpc-error.js';
import { createUnfinished, openedBy, type PendingAppend } from './unfinished-appends.js';

export type BatchAppendCall = ServerDuplexStream<streams.BatchAppendReq, streams.BatchAppendResp>;

/** Sends responses. A response that the client has not read yet counts as work in progress. */
const createAnswers = (call: BatchAppendCall, gate: Gate) => {
  const send = (
    correlationId: shared.UUID | undefined,
    identifier: shared.StreamIdentifier,
    outcome: BatchOutcome,
  ): void => {
    gate.enter();
    call.write(batchAppendResponse(correlationId, identifier, outcome), gate.leave);
  };

  const settle = (append: PendingAppend, outcome: BatchOutcome): void =>
    send(append.correlationId, identifierOf(append.stream), outcome);

  return {
    settle,

    /** The log could not confirm the append. */
    fail(append: PendingAppend, error: RpcError): void {
      // The log is closed for everyone: end the call so that the client reconnects.
      if (error.code === status.UNAVAILABLE) call.emit('error', error);
      else settle(append, outcomeOfError(error));
    },

    /** The request is neither an append nor a continuation of one. */
    refuse(
      request: streams.BatchAppendReq,
      append: PendingAppend | undefined,
      error: RpcError,
    ): void {
      if (append !== undefined) {
        settle(append, outcomeOfError(error));
        return;
      }
      const identifier = request.getOptions()?.getStreamIdentifier();
      send(
        request.getCorrelationId(),
        identifier ?? new shared.StreamIdentifier(),
        outcomeOfError(error),
      );
    },
  };
};

const outcomeOfError = ({ code, details }: RpcError): BatchOutcome => {
  if (code === status.INVALID_ARGUMENT) return { kind: 'bad-request', message: details };
  if (code === status.PERMISSION_DENIED) return { kind: 'denied' };
  return { kind: code === status.ABORTED ? 'timeout' : 'unknown' };
};

interface Gate {
  enter(): void;
  readonly leave: () => void;
  /**
   * Undefined if there is room, else a promise that resolves when there is or the signal aborts.
   */
  atMost(limit: number): Promise<void> | undefined;
}

/** Counts work in progress and wakes one waiter when it falls below its limit. */
const createGate = (signal: AbortSignal): Gate => {
  let inside = 0;
  let waiter: { readonly limit: number; readonly resolve: () => void } | undefined;
  signal.addEventListener('abort', () => waiter?.resolve(), { once: true });
  return {
    enter: (): void => {
      inside += 1;
    },
    leave: (): void => {
      inside -= 1;
      if (waiter === undefined || inside > waiter.limit) return;
      waiter.resolve();
      waiter = undefined;
    },
    atMost: (limit: number): Promise<void> | undefined => {
      if (inside <= limit || signal.aborted) return undefined;
      return new Promise((resolve) => {
        waiter = { limit, resolve };
      });
    },
  };
};

const { Code } = codes;

type WrongRevision = Extract<AppendOutcome, { readonly kind: 'wrong-revision' }>;

/** Outcomes of an append, including those of one that never reached the log. */
type BatchOutcome =
  | Exclude<AppendOutcome, WrongRevision>
  | (WrongRevision & { readonly expected: Expected })
  | { readonly kind: 'timeout' }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'denied' }
  | { readonly kind: 'bad-request'; readonly message: string };

/** Sets every field: clients read the stream and the type of the details without checking. */
const batchAppendResponse = (
  correlationId: shared.UUID | undefined,
  identifier: shared.StreamIdentifier,
  outcome: BatchOutcome,
): streams.BatchAppendResp => {
  const response = new streams.BatchAppendResp();
  response.setCorrelationId(correlationId);
  response.setStreamIdentifier(identifier);
  if (outcome.kind === 'written') return response.setSuccess(successMessage(outcome));
  return response.setError(failureStatus(identifier, outcome));
};

const successMessage = (written: { readonly revision: bigint; readonly position: bigint }) => {
  const message = new streams.BatchAppendResp.Success();
  if (written.revision < 0n) message.setNoStream(new empty.Empty());
  else message.setCurrentRevision(written.revision.toString());
  if (written.position <= 0n) return message.setNoPosition(new empty.Empty());
  const position = new shared.AllStreamPosition();
  position.setCommitPosition(written.position.toString());
  position.setPreparePosition(written.position.toString());
  return message.setPosition(position);
};

type FailedOutcome = Exclude<BatchOutcome, { readonly kind: 'written' }>;

const failureStatus = (
  identifier: shared.StreamIdentifier,
  outcome: FailedOutcome,
): statuses.Status => {
  switch (outcome.kind) {
    case 'wrong-revision':
      return statusMessage(Code.ALREADY_EXISTS, 'WrongExpectedVersion', conflictDetails(outcome));
    case 'deleted': {
      const details = new shared.StreamDeleted().setStreamIdentifier(identifier);
      return statusMessage(Code.NOT_FOUND, 'StreamDeleted', details);
    }
    case 'too-large': {
      const details = new shared.MaximumAppendSizeExceeded().setMaxappendsize(outcome.limit);
      return statusMessage(Code.INVALID_ARGUMENT, 'MaximumAppendSizeExceeded', details);
    }
    case 'timeout':
      return statusMessage(Code.DEADLINE_EXCEEDED, 'Timeout', new shared.Timeout());
    case 'unknown':
      return statusMessage(Code.UNKNOWN, 'Unknown', new shared.Unknown());
    case 'denied':
      return statusMessage(Code.PERMISSION_DENIED, 'AccessDenied', new shared.AccessDenied());
    case 'bad-request': {
      const details = new shared.BadRequest().setMessage(outcome.message);
      return statusMessage(Code.INVALID_ARGUMENT, 'BadRequest', details);
    }
  }
};

/** Clients tell errors apart by the name of the type in the details. */
const statusMessage = (
  code: codes.Code,
  name: string,
  details: { serializeBinary(): Uint8Array },
): statuses.Status => {
  const packed = new any.Any();
  packed.pack(details.serializeBinary(), `event_store.client.${name}`);
  return new statuses.Status().setCode(code).setMessage(name).setDetails(packed);
};

const conflictDetails = ({
  expected,
  actual,
}: Extract<FailedOutcome, { readonly kind: 'wrong-revision' }>): shared.WrongExpectedVersion => {
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

/** Appends in progress or with unread responses; at this limit reading from the client pauses. */
const MAX_BATCHES_IN_FLIGHT = 512;

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
      return gate.atMost(MAX_BATCHES_IN_FLIGHT);
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
