import { createHash } from 'node:crypto';
import { v5 } from 'uuid';
import type { AnimeCommand } from '../../domain/commands.js';
import {
  type CommandOptions,
  type CommandResult,
  type IdempotencyKey,
} from '../../ports/command-result.js';
import { createOutage } from '../../platform/async/outage.js';
import type { Logger } from '../../platform/observability/logger.js';
import { withinTrace } from '../../platform/observability/trace-context.js';
import { PortError } from '../../ports/errors.js';
import type { ProtectedUser, UserProtection } from '../../ports/user-protection.js';
import { BODY_HASH_LENGTH, saltedBodyHash } from '../../wire/protected-user.js';

/** The limits of a command handler. Times in milliseconds. */
export interface CommandLimits {
  /** Anime states kept in memory. */
  readonly cachedAnimes: number;
  /** Commands with an Idempotency-Key remembered per anime. */
  readonly rememberedKeys: number;
  /** Events between two snapshots of an anime: the longest tail to read. */
  readonly snapshotEvery: number;
  /** Per append. */
  readonly batchEvents: number;
  readonly batchBytes: number;
  /** Queued commands, per anime and in total; above that commands are refused. */
  readonly waitingPerAnime: number;
  readonly waitingInAll: number;
  /** Every command is answered within this time. */
  readonly deadlineMs: number;
  /** After this time an attempt to append counts as lost. */
  readonly appendTimeoutMs: number;
  /** Time limit for loading the state of an anime. */
  readonly loadTimeoutMs: number;
  /** Retries after conflicts with other processes. */
  readonly conflictRetries: number;
  /** How long the first revision of a stream is cached: it may be truncated meanwhile. */
  readonly beginningForMs: number;
  /** Interval between checks of a refused stream. */
  readonly recheckAfterMs: number;
}

export const DEFAULT_COMMAND_LIMITS: CommandLimits = {
  cachedAnimes: 10_000,
  rememberedKeys: 4096,
  snapshotEvery: 250,
  batchEvents: 500,
  batchBytes: 512 * 1024,
  waitingPerAnime: 2000,
  waitingInAll: 20_000,
  deadlineMs: 10_000,
  appendTimeoutMs: 4000,
  loadTimeoutMs: 60_000,
  conflictRetries: 100,
  beginningForMs: 10_000,
  recheckAfterMs: 5_000,
};

export interface KeyedQueue<Key, Item> {
  /** Number of queued items of this key. */
  lengthOf(key: Key): number;
  push(key: Key, item: Item): void;
  /** Requests a turn of this key even if its queue is empty. */
  request(key: Key): void;
  /** Resolves when no key has a turn or queued items. */
  idle(): Promise<void>;
}

/**
 * Serialises work per key; keys run concurrently. A turn takes items from the front of `waiting` and
 * may put some back there. Items that arrive during a turn are added at the end. A turn must not
 * reject.
 */
export const createKeyedQueue = <Key, Item>(
  turn: (key: Key, waiting: Item[]) => Promise<void>,
): KeyedQueue<Key, Item> => {
  const queues = new Map<Key, Item[]>();
  const requested = new Set<Key>();
  let whenIdle: (() => void)[] = [];

  const run = async (key: Key, waiting: Item[]): Promise<void> => {
    // A turn answers a request, too, so this comes first.
    while (requested.delete(key) || waiting.length > 0) await turn(key, waiting);
    queues.delete(key);
    if (queues.size > 0) return;
    for (const resolve of whenIdle) resolve();
    whenIdle = [];
  };

  /** The first item or request of a key creates its queue and runs it. */
  const start = (key: Key, waiting: Item[]): void => {
    queues.set(key, waiting);
    void run(key, waiting);
  };

  return {
    lengthOf: (key) => queues.get(key)?.length ?? 0,
    push: (key, item) => {
      const waiting = queues.get(key);
      if (waiting === undefined) start(key, [item]);
      else waiting.push(item);
    },
    request: (key) => {
      requested.add(key);
      if (!queues.has(key)) start(key, []);
    },
    idle: async () => {
      if (queues.size > 0) await new Promise<void>((resolve) => void whenIdle.push(resolve));
    },
  };
};

/** A command that has not been settled yet. */
export interface QueuedCommand {
  readonly command: AnimeCommand;
  readonly commandId: string;
  /** Of its first event: no other process has it, not even for the same Idempotency-Key. */
  readonly eventId: string;
  options: CommandOptions;
  /** How its events name its user; null: by the user id. */
  user: ProtectedUser | null;
  /** Settles when `user` is known, or the command failed without it; null unless it is looked up. */
  identifying: Promise<void> | null;
  /** In the time of `performance.now()`, like the deadline. */
  readonly receivedAt: number;
  readonly deadline: number;
  /** Number of conflicts with other processes. */
  conflicts: number;
  /** Is appended on its own. */
  mustGoAlone: boolean;
  /** Its append is in flight: whether it was written is unknown. */
  isAppending: boolean;
  readonly isSettled: () => boolean;
  readonly settle: (result: CommandResult) => void;
  readonly fail: (error: unknown) => void;
}

/** Log data about several commands, cut to the length of a log line. */
export const correlationIdsOf = (queuedCommands: readonly QueuedCommand[]): readonly string[] =>
  queuedCommands.slice(0, 10).map(({ options }) => options.correlationId);

/** A log line about several commands names the trace of the first that has one. */
export const withinTraceOf = <T>(queued: readonly QueuedCommand[], log: () => T): T => {
  const traced = queued.find(({ options }) => options.traceparent !== undefined);
  return withinTrace(traced?.options.traceparent, log);
};

/**
 * A command that is settled by its deadline, whatever happens: as `unavailable` if it was still
 * queued, as `user-key-unavailable` if it waited for the key of its user, and as `outcome-unknown` if its
 * append was in flight.
 */
export const createQueuedCommand = (
  command: AnimeCommand,
  eventId: string,
  options: CommandOptions & { readonly deadlineMs: number },
  done: (outcome: { readonly result: CommandResult } | { readonly error: Error }) => void,
): QueuedCommand => {
  const receivedAt = performance.now();
  let settled = false;
  const finish = (outcome: { result: CommandResult } | { error: Error }): void => {
    if (settled) return;
    settled = true;
    clearTimeout(timer);
    done(outcome);
  };
  const { idempotencyKey } = options;
  const queued: QueuedCommand = {
    command,
    commandId: idempotencyKey === undefined ? eventId : keyedCommandId(command, idempotencyKey),
    eventId,
    options,
    user: null,
    identifying: null,
    receivedAt,
    deadline: receivedAt + options.deadlineMs,
    conflicts: 0,
    mustGoAlone: false,
    isAppending: false,
    isSettled: () => settled,
    settle: (result) => finish({ result }),
    fail: (error) => finish({ error: asError(error) }),
  };
  const timer = setTimeout(
    () => finish({ result: { kind: kindWhenTimedOut(queued) } }),
    options.deadlineMs,
  );
  return queued;
};

const kindWhenTimedOut = ({ isAppending, identifying }: QueuedCommand) => {
  if (isAppending) return 'outcome-unknown';
  return identifying === null ? 'unavailable' : 'user-key-unavailable';
};

const asError = (error: unknown): Error =>
  error instanceof Error
    ? error
    : new Error('Something was thrown that is no error', { cause: error });

/** Decided on a presumed state it always appends, which proves the state; not so with a key or precondition. */
export const isPlainListing = ({ command, options, conflicts }: QueuedCommand): boolean =>
  command.type === 'ListAnime' &&
  options.idempotencyKey === undefined &&
  options.ifMatch === undefined &&
  options.ifNoneMatch === undefined &&
  conflicts === 0;

const COMMAND_ID_NAMESPACE = '6c2b0f5e-51a5-4f0c-9d1e-0b8d0d5f8a4e';

/**
 * With an Idempotency-Key, the command id is derived from caller, command and key: a repeat has the
 * same id in every process.
 */
const keyedCommandId = (command: AnimeCommand, { caller, key }: IdempotencyKey): string =>
  v5(JSON.stringify([caller, command.animeId, command.type, key]), COMMAND_ID_NAMESPACE);

/**
 * The ids of a command's events follow from the first. They are the same in every attempt to append
 * them, so that the store recognises them after a lost answer; and they are nobody else's, so that a
 * store never answers one process for what another has written: that is a conflict, and the repeat of
 * a key is found by its command's id in the metadata.
 */
export const eventIdOf = (eventId: string, index: number): string =>
  index === 0 ? eventId : v5(String(index), eventId);

/** Identifies a body, in 128 bits. The time of receipt is not part of it. */
export const bodyHashOf = (command: AnimeCommand): string =>
  createHash('sha256')
    .update(JSON.stringify({ ...command, at: undefined }))
    .digest('base64url')
    .slice(0, BODY_HASH_LENGTH);

/** Looks up how the events of a command name its user. At once, if this process knows the user. */
export const createIdentify = (users: UserProtection, logger: Logger) => {
  const outage = createOutage({
    logger,
    begun: 'Keys of users are not available',
    ended: 'Keys of users are available again',
  });

  const noteFailure = (error: unknown): void => {
    if (error instanceof PortError && error.retriable) outage.failed(error);
    else logger.error('The key of a user cannot be used', { error });
  };

  return (queued: QueuedCommand): void => {
    const { command } = queued;
    if (!('userId' in command)) return;
    const known = users.known(command.userId);
    if (known !== undefined) {
      nameBy(queued, known);
      return;
    }
    queued.identifying = users.protect(command.userId).then(
      (user) => {
        outage.over();
        nameBy(queued, user);
        queued.identifying = null;
      },
      (error: unknown) => {
        withinTraceOf([queued], () => noteFailure(error));
        if (error instanceof PortError) queued.settle({ kind: 'user-key-unavailable' });
        else queued.fail(error);
        queued.identifying = null;
      },
    );
  };
};

const nameBy = (queued: QueuedCommand, user: ProtectedUser): void => {
  queued.user = user;
  const { idempotencyKey } = queued.options;
  if (idempotencyKey === undefined) return;
  const bodyHash = saltedBodyHash(idempotencyKey.bodyHash, user);
  queued.options = { ...queued.options, idempotencyKey: { ...idempotencyKey, bodyHash } };
};

/** Resolves when all that wait now are identified or settled. Those that come meanwhile may not be. */
export const identified = async (waiting: readonly QueuedCommand[]): Promise<void> => {
  await Promise.all(waiting.flatMap(({ identifying }) => identifying ?? []));
};
