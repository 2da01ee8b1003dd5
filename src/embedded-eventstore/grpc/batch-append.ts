import codes from '@eventstore/db-client/generated/code_pb.js';
import shared from '@eventstore/db-client/generated/shared_pb.js';
import statuses from '@eventstore/db-client/generated/status_pb.js';
import { type ServerDuplexStream, status } from '@grpc/grpc-js';
import any from 'google-protobuf/google/protobuf/any_pb.js';
import empty from 'google-protobuf/google/protobuf/empty_pb.js';
import protobuf, { type BufferWriter } from 'protobufjs/minimal.js';
import type { AppendOutcome, Expected } from '../log/event-log.js';
import {
  bidirectional,
  confirmedWithin,
  consumeMessages,
  type ServiceContext,
  unanswered,
} from './calls.js';
import type { BatchRequest, ProposedMessage } from './batch-messages.js';
import { bytesTag, uint64Field } from './protobuf.js';
import { uuidIn } from './request-shapes.js';
import { type RpcError, toRpcError } from './rpc-error.js';
import {
  createUnfinished,
  openedBy,
  type PendingAppend,
  type ProposedEvent,
} from './unfinished-appends.js';

type BatchAppendCall = ServerDuplexStream<BatchRequest, Buffer>;

/** Sends responses. A response that the client has not read yet counts as work in progress. */
const createAnswers = (call: BatchAppendCall, gate: Gate) => {
  const send = (
    correlationId: Uint8Array | undefined,
    streamName: Uint8Array,
    outcome: BatchOutcome,
  ): void => {
    gate.enter();
    call.write(batchAppendResponse(correlationId, streamName, outcome), gate.leave);
  };

  const settle = (append: PendingAppend, outcome: BatchOutcome): void =>
    send(append.correlationId, Buffer.from(append.stream, 'utf8'), outcome);

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
      { correlationId, options }: BatchRequest,
      append: PendingAppend | undefined,
      error: RpcError,
    ): void {
      if (append === undefined) {
        send(correlationId, options?.streamName ?? new Uint8Array(), outcomeOfError(error));
      } else {
        settle(append, outcomeOfError(error));
      }
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

/** `BatchAppendResp`. Sets every field: clients read the stream and the type of the details unchecked. */
const batchAppendResponse = (
  correlationId: Uint8Array | undefined,
  streamName: Uint8Array,
  outcome: BatchOutcome,
): Buffer => {
  const writer = new protobuf.BufferWriter();
  if (correlationId !== undefined) bytesTag(writer, 1).bytes(correlationId);
  if (outcome.kind === 'written') writeSuccess(writer, outcome);
  else bytesTag(writer, 2).bytes(failureStatus(streamName, outcome).serializeBinary());
  bytesTag(writer, 4).fork();
  bytesTag(writer, 3).bytes(streamName).ldelim();
  return writer.finish() as Buffer;
};

type Written = Extract<AppendOutcome, { readonly kind: 'written' }>;

/** `BatchAppendResp.Success`: fields 1 to 4 are the revision or no stream, the position or none. */
const writeSuccess = (writer: BufferWriter, { revision, position }: Written): void => {
  bytesTag(writer, 3).fork();
  if (revision < 0n) bytesTag(writer, 2).bytes(NOTHING);
  else uint64Field(writer, 1, revision);
  if (position <= 0n) {
    bytesTag(writer, 4).bytes(NOTHING);
  } else {
    bytesTag(writer, 3).fork();
    uint64Field(writer, 1, position);
    uint64Field(writer, 2, position).ldelim();
  }
  writer.ldelim();
};

const NOTHING = new Uint8Array();

type FailedOutcome = Exclude<BatchOutcome, { readonly kind: 'written' }>;

const failureStatus = (streamName: Uint8Array, outcome: FailedOutcome): statuses.Status => {
  switch (outcome.kind) {
    case 'wrong-revision':
      return statusMessage(Code.ALREADY_EXISTS, 'WrongExpectedVersion', conflictDetails(outcome));
    case 'deleted': {
      const identifier = new shared.StreamIdentifier().setStreamName(streamName);
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
  bidirectional<BatchRequest, Buffer>(context, async (call, signal) => {
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

    const grow = (id: string, append: PendingAppend, request: BatchRequest): void => {
      if (append.deadlineAt <= Date.now()) {
        answers.settle(append, { kind: 'timeout' });
        return;
      }
      for (const message of request.proposed) append.proposal.add(proposedEvent(message));
      if (append.proposal.tooLarge) {
        answers.settle(append, { kind: 'too-large', limit: maxAppendBytes });
        return;
      }
      if (request.isFinal) submit(append);
      else unfinished.keep(id, append);
    };

    const accept = (request: BatchRequest): Promise<void> | undefined => {
      if (calls.stopping) return never();
      let append: PendingAppend | undefined;
      try {
        const id = uuidIn(request.correlationId, 'A correlation id');
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

const proposedEvent = ({ id, ...rest }: ProposedMessage): ProposedEvent => ({
  id: uuidIn(id, 'An event id'),
  ...rest,
});

const appendToLog = async ({ log }: ServiceContext, append: PendingAppend) => {
  const { stream, expected, proposal, deadlineAt } = append;
  const writing = log.append(stream, expected, proposal.events);
  const outcome = await confirmedWithin(writing, deadlineAt - Date.now());
  return outcome.kind === 'wrong-revision' ? { ...outcome, expected } : outcome;
};
