import type { Environment } from './environment.js';
import { NoAnswerError, ProblemError } from './errors.js';
import { isRetried, isUnknown, pauseMs, retryAfterOf, type ServiceExchange } from './exchange.js';
import type { SchemaBatchResults, SchemaProblem } from './generated/commands.js';
import type { Revisions } from './commands.js';
import {
  AFTER_PAGE_BYTES,
  bodyOf,
  entryOf,
  firstOf,
  handOver,
  type TrackedCommand,
  type TrackedEntry,
  type TrackResult,
  withoutTime,
} from './tracked.js';

export interface QueueOptions {
  /** Commands per request, at most 10,000. A full batch is sent at once. */
  readonly batchSize: number;
  /** How long a command waits for a batch to fill. */
  readonly maxWaitMs: number;
  /** The maximum number of waiting commands; further ones are dropped. */
  readonly maxQueued: number;
}

export interface QueueCounts {
  /** Commands without a result yet. */
  readonly queued: number;
  readonly recorded: number;
  readonly failed: number;
  readonly dropped: number;
}

export interface Queue {
  /** Sends it in a batch. The result never rejects, so it need not be awaited. */
  track(command: TrackedCommand): Promise<TrackResult>;
  /** Sends what is queued now. Resolves with the last result; rejects when the signal aborts. */
  flush(options?: { readonly signal?: AbortSignal }): Promise<void>;
  /** Sends what is queued, for at most 5 s by default, and accepts no more commands. */
  close(options?: { readonly timeoutMs?: number }): Promise<void>;
  counts(): QueueCounts;
}

/** Below the limit of many proxies; the service accepts 4 MiB. */
const BODY_BYTES = 1_000_000;
/** The service's limit for one command. */
const COMMAND_BYTES = 16 * 1024;
const CLOSE_QUEUE_WITHIN_MS = 5000;

const COMMAND_TOO_LARGE: SchemaProblem = {
  type: 'about:blank',
  title: 'Content Too Large',
  status: 413,
  detail: 'The command is too large.',
};

/** Sends one batch at a time, to keep the order of commands. */
export const createQueue = (
  url: string,
  options: QueueOptions & { readonly hasKey: boolean },
  parts: {
    readonly exchange: ServiceExchange;
    readonly revisions: Revisions;
    readonly environment: Environment;
  },
): Queue => {
  const { batchSize, maxWaitMs, maxQueued, hasKey } = options;
  const { exchange, revisions, environment } = parts;
  const { random, sleep, page } = environment;
  const counts = { recorded: 0, failed: 0, dropped: 0 };
  const stop = new AbortController();

  /** Commands that an unanswered request may have recorded. */
  const unknown = new WeakSet<TrackedEntry>();

  let waiting: TrackedEntry[] = [];
  let underWay: readonly TrackedEntry[] = [];
  /** Handed to the browser while the page was hidden. Sent again once it is shown, to get the results. */
  let handedOver: TrackedEntry[] = [];
  let handedBatch: readonly TrackedEntry[] | undefined;
  let entriesAtOnce = batchSize;
  let failures = 0;
  let flushes = 0;
  let linger = new AbortController();
  let running: Promise<void> | undefined;
  let closing: Promise<void> | undefined;

  const queued = (): number => waiting.length + underWay.length + handedOver.length;

  const settle = (entry: TrackedEntry, result: TrackResult): void => {
    counts[result.kind] += 1;
    entry.settle(result);
  };

  /** Each command gets an error object of its own, because the key differs. */
  const fail = (entry: TrackedEntry, cause: ProblemError | NoAnswerError): void => {
    const error =
      cause instanceof ProblemError
        ? new ProblemError(cause.problem, cause.retryAfterMs)
        : new NoAnswerError(cause.message);
    if (error instanceof ProblemError) error.outcomeUnknown = isUnknown(cause, unknown.has(entry));
    error.idempotencyKey = entry.id;
    settle(entry, { kind: 'failed', error });
  };

  const sendAgain = (entries: readonly TrackedEntry[], error: unknown): TrackedEntry[] => {
    for (const entry of entries) if (isUnknown(error, false)) unknown.add(entry);
    return [...entries];
  };

  const requestOf = (body: string) => ({
    method: 'POST' as const,
    url,
    // The service parses it as JSON, and browsers send it across origins without a preflight.
    headers: { 'Content-Type': 'text/plain;charset=UTF-8' },
    body,
  });

  /** Settles the entry, or returns it for a retry. */
  const take = (
    entry: TrackedEntry,
    result: SchemaBatchResults['results'][number],
  ): TrackedEntry[] => {
    const { status, animeId, revision, ...more } = result;
    if (status < 300 && animeId !== undefined && revision !== undefined) {
      revisions.reached(animeId, revision);
      const acknowledged = { animeId, revision, ...more, replayed: more.replayed === true };
      settle(entry, { kind: 'recorded', acknowledged });
      return [];
    }
    const error = new ProblemError(result as SchemaProblem);
    if (isRetried(error)) return sendAgain([entry], error);
    if (isTimeRefused(error) && entry.undated !== undefined) {
      return [withoutTime(entry, entry.undated)];
    }
    fail(entry, error);
    return [];
  };

  /** Sends a batch once. Returns the pause before the next one. */
  const send = async (batch: readonly TrackedEntry[]): Promise<number> => {
    try {
      const { body, retryAfterMs } = await exchange.once(requestOf(bodyOf(batch)), stop.signal);
      const { results } = body as Partial<SchemaBatchResults>;
      if (results?.length !== batch.length) throw new NoAnswerError('There are not all results.');
      const again = batch.flatMap((entry, at) => {
        const result = results[at];
        return result === undefined ? [] : take(entry, result);
      });
      waiting = [...again, ...waiting];
      failures = again.length < batch.length ? 0 : failures + 1;
      return again.length === 0 ? 0 : pauseMs(failures, retryAfterMs, random);
    } catch (error) {
      return failedBatch(batch, error);
    }
  };

  const failedBatch = (batch: readonly TrackedEntry[], error: unknown): number => {
    const isTooLarge = error instanceof ProblemError && error.status === 413;
    if (isTooLarge && batch.length > 1) {
      entriesAtOnce = Math.ceil(batch.length / 2);
      waiting = [...batch, ...waiting];
      return 0;
    }
    if (isRetried(error) && !stop.signal.aborted) {
      waiting = [...sendAgain(batch, error), ...waiting];
      failures += 1;
      return pauseMs(failures, retryAfterOf(error), random);
    }
    const closed = new NoAnswerError('The queue was closed before an answer came.');
    for (const entry of batch) fail(entry, error instanceof ProblemError ? error : closed);
    return 0;
  };

  const run = async (): Promise<void> => {
    while (waiting.length > 0 && !stop.signal.aborted) {
      if (flushes === 0 && waiting.length < entriesAtOnce) {
        linger = new AbortController();
        await sleep(maxWaitMs, linger.signal);
      }
      underWay = firstOf(waiting, { bytes: BODY_BYTES, entries: entriesAtOnce });
      waiting = waiting.slice(underWay.length);
      const pause = underWay.length === 0 ? 0 : await send(underWay);
      underWay = [];
      if (pause > 0) await sleep(pause, stop.signal);
    }
  };

  const wake = (): void => {
    if (flushes > 0 || waiting.length >= entriesAtOnce) linger.abort();
    running ??= run().then(() => {
      running = undefined;
      if (waiting.length > 0 && !stop.signal.aborted) wake();
    });
  };

  const takeBack = (): void => {
    waiting = [...handedOver, ...waiting];
    handedOver = [];
    wake();
  };

  /** A beacon cannot carry the API key as a header; a `keepalive` request can. */
  const senderAfterPage = (): ((body: string) => boolean) => {
    if (!hasKey) return (body) => page?.sendBeacon(url, body) ?? false;
    let left = AFTER_PAGE_BYTES;
    return (body) => {
      left -= new TextEncoder().encode(body).length;
      if (left < 0) return false;
      exchange.once({ ...requestOf(body), keepalive: true }).catch(() => undefined);
      return true;
    };
  };

  const pageChanged = (): void => {
    if (page?.isHidden() !== true) {
      takeBack();
      return;
    }
    // A request in flight may die with the page. Its keys make sending it twice safe.
    const first = handedBatch === underWay ? [] : underWay;
    const taken = handOver([...first, ...waiting], senderAfterPage());
    const ofWaiting = Math.max(0, taken - first.length);
    handedBatch = underWay;
    handedOver = [...handedOver, ...waiting.slice(0, ofWaiting)];
    waiting = waiting.slice(ofWaiting);
  };

  const stopListening = page?.onChange(pageChanged);

  const flush = async (signal?: AbortSignal): Promise<void> => {
    flushes += 1;
    takeBack();
    const all = [...underWay, ...waiting].map(({ settled }) => settled);
    try {
      await Promise.race([
        Promise.all(all),
        ...(signal === undefined ? [] : [rejectedOnAbort(signal)]),
      ]);
    } finally {
      flushes -= 1;
    }
  };

  const close = async (timeoutMs: number): Promise<void> => {
    stopListening?.();
    const late = new AbortController();
    await Promise.race([flush(), sleep(timeoutMs, late.signal)]);
    late.abort();
    stop.abort();
    await running;
    for (const entry of waiting) settle(entry, { kind: 'dropped' });
    waiting = [];
  };

  return {
    track: (command) => {
      const entry = entryOf(command, environment);
      if (closing !== undefined || queued() >= maxQueued) settle(entry, { kind: 'dropped' });
      else if (entry.bytes > COMMAND_BYTES) {
        fail(entry, new ProblemError(COMMAND_TOO_LARGE));
      } else {
        waiting.push(entry);
        wake();
      }
      return entry.settled;
    },
    flush: ({ signal } = {}) => flush(signal),
    close: ({ timeoutMs = CLOSE_QUEUE_WITHIN_MS } = {}) => (closing ??= close(timeoutMs)),
    counts: () => ({ queued: queued(), ...counts }),
  };
};

/** Whether the service refused only `occurred_at`. */
const isTimeRefused = ({ type, problem: { errors = [] } }: ProblemError): boolean =>
  type === 'urn:problem-type:invalid-time' ||
  (errors.length === 1 && errors[0]?.pointer === '/occurred_at');

const rejectedOnAbort = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    const end = (): void => reject(signal.reason as Error);
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  });
