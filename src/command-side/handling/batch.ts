import { type Anime, decide, evolve } from '../../domain/decide.js';
import type { AnimeEvent } from '../../domain/events.js';
import type { NewEvent } from '../../ports/event-store.js';
import type { JsonObject } from '../../ports/json.js';
import { encodeProtected, isUserEvent } from '../../wire/protected-user.js';
import { encode } from '../../wire/stream-event.js';
import type {
  CommandOptions,
  CommandResult,
  EntityTags,
  Precondition,
  Recorded,
} from '../../ports/command-result.js';
import type { CachedAggregate, KeyedCommand } from './cached-aggregate.js';
import { type CommandLimits, eventIdOf, type QueuedCommand } from './queued-command.js';

/** Where a batch was written: the revision of its first event, the position of its last. */
export interface BatchPlace {
  readonly first: bigint;
  readonly position: bigint;
}

interface Step {
  readonly queued: QueuedCommand;
  /** Number of events in the batch before its own. */
  readonly offset: number;
  readonly events: readonly NewEvent[];
  readonly answer: (place: BatchPlace) => CommandResult;
}

/** Commands of one anime, each decided on the state after the one before it. */
export interface DecidedBatch {
  readonly steps: readonly Step[];
  readonly events: readonly NewEvent[];
  /** The state after all events. */
  readonly state: Anime;
}

interface Sofar {
  readonly aggregate: CachedAggregate;
  readonly offset: number;
  readonly state: Anime;
  /** Commands with a key in this batch that append something. */
  readonly keyed: ReadonlyMap<string, Keyed>;
}

interface Keyed {
  readonly bodyHash: string;
  readonly answer: Step['answer'];
}

/**
 * Takes commands from the front of `waiting` and decides them: at most `most`, and no more than fit
 * into one append, but at least one. Commands that were answered meanwhile are dropped.
 */
export const takeBatch = (
  aggregate: CachedAggregate,
  waiting: QueuedCommand[],
  limits: Pick<CommandLimits, 'batchEvents' | 'batchBytes'>,
  most = Infinity,
): DecidedBatch => {
  dropSettled(waiting);
  const steps: Step[] = [];
  const events: NewEvent[] = [];
  const keyed = new Map<string, Keyed>();
  let state = aggregate.state;
  let bytes = 0;
  for (const queued of waiting) {
    // In the order of arrival: those behind one that is still looked up wait, too.
    if (steps.length === most || queued.identifying !== null) break;
    const decided = decideOne({ aggregate, offset: events.length, state, keyed }, queued);
    const { step } = decided;
    // To measure is to encode once more: a command that goes alone need not be measured.
    const size = waiting.length === 1 ? 0 : sizeOf(step.events);
    const { batchEvents, batchBytes } = limits;
    const full = events.length + step.events.length > batchEvents || bytes + size > batchBytes;
    if ((full || queued.mustGoAlone) && events.length > 0) break;
    steps.push(step);
    events.push(...step.events);
    bytes += size;
    state = decided.state;
    const { idempotencyKey } = queued.options;
    if (idempotencyKey !== undefined && step.events.length > 0) {
      keyed.set(queued.commandId, { bodyHash: idempotencyKey.bodyHash, answer: step.answer });
    }
  }
  waiting.splice(0, steps.length);
  return { steps, events, state };
};

const dropSettled = (waiting: QueuedCommand[]): void => {
  if (!waiting.some((queued) => queued.isSettled())) return;
  const open = waiting.filter((queued) => !queued.isSettled());
  waiting.splice(0, waiting.length, ...open);
};

export const commandsOf = ({ steps }: DecidedBatch): readonly QueuedCommand[] =>
  steps.map(({ queued }) => queued);

/** When its last command was received, in the time of `performance.now()`; -Infinity without one. */
export const newestOf = ({ steps }: DecidedBatch): number =>
  Math.max(...steps.map(({ queued }) => queued.receivedAt));

interface Answered {
  readonly queued: QueuedCommand;
  readonly result: CommandResult;
}

/** Settles every command of a batch that was written at `place`; returns the results in order. */
export const answerAll = ({ steps }: DecidedBatch, place: BatchPlace): readonly Answered[] =>
  steps.map(({ queued, answer }) => {
    const result = answer(place);
    queued.settle(result);
    return { queued, result };
  });

/** The place of the next event; nothing is written there yet. */
export const placeAfter = ({ revision }: CachedAggregate): BatchPlace => ({
  first: revision === 'no_stream' ? 0n : revision + 1n,
  position: 0n,
});

/** The commands of a written batch that came with an Idempotency-Key. */
export const keyedCommandsIn = (answered: readonly Answered[]): readonly KeyedCommand[] =>
  answered.flatMap(({ queued, result }) => {
    const bodyHash = queued.options.idempotencyKey?.bodyHash;
    if (bodyHash === undefined || result.kind !== 'accepted') return [];
    const { eventId, type, revision, position } = result;
    return [{ commandId: queued.commandId, eventId, type, revision, position, bodyHash }];
  });

/**
 * Settles the commands whose events were not written, and returns the others to be decided again:
 * their results depended on these events, or only shared the batch.
 */
export const answerAppended = (
  { steps }: DecidedBatch,
  result: CommandResult,
): readonly QueuedCommand[] => {
  const others: QueuedCommand[] = [];
  for (const { queued, events } of steps) {
    if (events.length > 0) queued.settle(result);
    else others.push(queued);
  }
  return others;
};

const decideOne = (sofar: Sofar, queued: QueuedCommand): { step: Step; state: Anime } => {
  const { command, options } = queued;
  const { offset, state } = sofar;
  const without = (answer: Step['answer']) => ({
    step: { queued, offset, events: [], answer },
    state,
  });
  const repeat = repeatOf(sofar, queued);
  if (repeat !== undefined) return without(repeat);
  const decision = decide(command, state);
  if (!decision.accepted) {
    const { rejection } = decision;
    return without(() => ({ kind: 'rejected', rejection }));
  }
  const header = failedPrecondition(options, sofar);
  if (header !== undefined) {
    return without(({ first }) => ({
      kind: 'precondition-failed',
      header,
      revision: first + BigInt(offset) === 0n ? 'no_stream' : first + BigInt(offset) - 1n,
    }));
  }
  const events = decision.events.map((each, index) => toNewEvent(each, index, queued));
  const [event] = decision.events;
  if (event === undefined) {
    return without(({ first }) => ({ kind: 'unchanged', revision: first + BigInt(offset) - 1n }));
  }
  const step: Step = {
    queued,
    offset,
    events,
    answer: (place) => ({ kind: 'accepted', ...recordedAt(place, offset, queued.eventId, event) }),
  };
  return { step, state: decision.events.reduce(evolve, state) };
};

/** An earlier command with the same key, confirmed or in this batch. */
const repeatOf = (
  { aggregate, keyed }: Sofar,
  { commandId, options }: QueuedCommand,
): Step['answer'] | undefined => {
  if (options.idempotencyKey === undefined) return undefined;
  const { bodyHash } = options.idempotencyKey;
  const past = aggregate.recent.find(commandId);
  if (past !== undefined) {
    if (past.bodyHash !== bodyHash) return () => ({ kind: 'key-reused' });
    const { eventId, type, revision, position } = past;
    return () => ({ kind: 'replayed', eventId, type, revision, position });
  }
  const earlier = keyed.get(commandId);
  if (earlier === undefined) return undefined;
  if (earlier.bodyHash !== bodyHash) return () => ({ kind: 'key-reused' });
  return (place) => {
    const first = earlier.answer(place);
    return first.kind === 'accepted' ? { ...first, kind: 'replayed' } : first;
  };
};

/** Checks both headers. An anime without events has no revision; only a listed one exists. */
const failedPrecondition = (
  { ifMatch, ifNoneMatch }: CommandOptions,
  { aggregate, offset, state }: Sofar,
): Precondition | undefined => {
  const confirmed = aggregate.revision === 'no_stream' ? -1n : aggregate.revision;
  const revision = confirmed + BigInt(offset);
  const isAt = (asked: EntityTags): boolean =>
    asked === 'any' ? revision >= 0n : asked.includes(revision);
  if (ifMatch !== undefined && !isAt(ifMatch)) return 'If-Match';
  if (ifNoneMatch === undefined || state.status !== 'listed') return undefined;
  return isAt(ifNoneMatch) ? 'If-None-Match' : undefined;
};

const recordedAt = (
  { first, position }: BatchPlace,
  offset: number,
  eventId: string,
  { type }: AnimeEvent,
): Recorded => ({ eventId, type, revision: first + BigInt(offset), position });

const toNewEvent = (
  event: AnimeEvent,
  index: number,
  { commandId, eventId, options, user }: QueuedCommand,
): NewEvent => ({
  id: eventIdOf(eventId, index),
  type: event.type,
  data: user !== null && isUserEvent(event) ? encodeProtected(event, user) : encode(event),
  metadata: metadataOf(commandId, index, options),
});

/** More than ids and times take; only the details of an anime are longer. */
const SMALL_EVENT_BYTES = 2048;

const sizeOf = (events: readonly NewEvent[]): number =>
  events.reduce((sum, event) => sum + sizeBound(event), 0);

const sizeBound = ({ data }: NewEvent): number =>
  'details' in data
    ? SMALL_EVENT_BYTES + Buffer.byteLength(JSON.stringify(data))
    : SMALL_EVENT_BYTES;

/**
 * An event's metadata. `$correlationId` and `$causationId` are EventStoreDB's own names. `bodyHash`
 * marks the first event of a command with an Idempotency-Key: the window of recent commands is
 * rebuilt from it.
 */
export const metadataOf = (
  commandId: string,
  index: number,
  options: CommandOptions,
): JsonObject => {
  const { correlationId, causationId = commandId, idempotencyKey, traceparent } = options;
  return {
    $correlationId: correlationId,
    $causationId: causationId,
    commandId,
    ...(idempotencyKey === undefined || index > 0 ? {} : { bodyHash: idempotencyKey.bodyHash }),
    ...(traceparent === undefined ? {} : { traceparent }),
  };
};
