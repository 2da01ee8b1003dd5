import { LRUCache } from 'lru-cache';
import type { AnimeId } from '../../domain/ids.js';
import { backoffMs, pause } from '../../platform/async/retry.js';
import type { Logger } from '../../platform/observability/logger.js';
import type { Metrics } from '../../platform/observability/metrics.js';
import {
  OutcomeUnknownError,
  PortError,
  UnavailableError,
  WrongExpectedRevisionError,
} from '../../ports/errors.js';
import type {
  AppendResult,
  EventStore,
  ExpectedRevision,
  NewEvent,
} from '../../ports/event-store.js';

/** The streams that other processes write too. */
export interface Contention {
  /** Whether another process wrote the stream lately: what is cached of it is likely to be behind. */
  expected(animeId: AnimeId): boolean;
  /** Another process wrote between our read and our append. */
  lost(animeId: AnimeId): void;
  /** Our append was the next: leaves the stream to the others for a moment. */
  won(animeId: AnimeId): Promise<void>;
  /** A look at the stream's end: whether others had written. */
  looked(animeId: AnimeId, othersWrote: boolean): void;
}

/** After so many looks in a row at which nobody else had written, this process has the stream for itself again. */
const QUIET_LOOKS = 5;

const MIN_YIELD_MS = 1;
const MAX_YIELD_MS = 20;

/** Streams that are remembered at once: a contended one is in use all the time. */
const REMEMBERED = 10_000;

/**
 * Fair turns without a lock or a leader. The loser of an append reads the stream's end and tries again
 * at once. The winner has no command left to append, so it waits a moment: without that it would win
 * with its next command again, one at a time, and the others would starve. Meanwhile its commands
 * collect into one larger append. The wait grows with each conflict and shrinks with each append that
 * met none: additive steps down, doubling up, as in Ethernet.
 */
export const createContention = ({ random = Math.random, wait = pause } = {}): Contention => {
  const streams = new LRUCache<AnimeId, { yieldMs: number; quiet: number }>({ max: REMEMBERED });
  return {
    expected: (animeId) => streams.has(animeId),
    lost: (animeId) => {
      const yieldMs = (streams.get(animeId)?.yieldMs ?? MIN_YIELD_MS / 2) * 2;
      streams.set(animeId, { yieldMs: Math.min(MAX_YIELD_MS, yieldMs), quiet: 0 });
    },
    won: async (animeId) => {
      const stream = streams.get(animeId);
      // Even a time of zero would cost a timer and a millisecond for each append.
      if (stream === undefined) return;
      const { yieldMs } = stream;
      stream.yieldMs = Math.max(MIN_YIELD_MS, yieldMs * 0.8);
      await wait(yieldMs * (0.5 + random()));
    },
    looked: (animeId, othersWrote) => {
      const stream = streams.get(animeId);
      if (stream === undefined) return;
      stream.quiet = othersWrote ? 0 : stream.quiet + 1;
      if (stream.quiet >= QUIET_LOOKS) streams.delete(animeId);
    },
  };
};

export type CommandAppend =
  | { readonly kind: 'written'; readonly result: AppendResult }
  | { readonly kind: 'conflict' }
  /** Nothing was written. */
  | { readonly kind: 'refused'; readonly error: PortError }
  | { readonly kind: 'unknown' };

const APPEND_BACKOFF = { baseMs: 50, maxMs: 1000 };

/** A cluster that elects a leader refuses once or twice. A store that is down is not waited for. */
const UNAVAILABLE_RETRIES = 2;

/** An append at an exact revision, with a deadline in the time of `performance.now()`. */
export type AppendWithRetry = (
  stream: string,
  expected: ExpectedRevision,
  events: readonly NewEvent[],
  deadline: number,
) => Promise<CommandAppend>;

/**
 * Appends. If the response is lost, retries with the same ids at the same expected revision until
 * the outcome is known or the deadline has passed. Rejects only for a bug.
 */
export const createAppendWithRetry = (options: {
  readonly store: EventStore;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** After this time an attempt counts as lost. */
  readonly appendTimeoutMs: number;
}): AppendWithRetry => {
  const { store, logger, metrics, appendTimeoutMs } = options;
  return async (stream, expected, events, deadline) => {
    let unknown = false;
    for (let attempt = 0; ; attempt += 1) {
      let failure: PortError;
      try {
        const leftMs = Math.max(1, Math.ceil(deadline - performance.now()));
        const timeoutMs = Math.min(appendTimeoutMs, leftMs);
        return {
          kind: 'written',
          result: await store.append(stream, expected, events, { timeoutMs }),
        };
      } catch (error) {
        // A conflict is final even after a lost response: a written append would have matched by its ids.
        if (error instanceof WrongExpectedRevisionError) return { kind: 'conflict' };
        if (!(error instanceof PortError)) throw error;
        failure = error;
      }
      unknown ||= failure instanceof OutcomeUnknownError;
      const worthwhile = failure instanceof UnavailableError && attempt < UNAVAILABLE_RETRIES;
      if (!unknown && !worthwhile) return { kind: 'refused', error: failure };
      const waitMs = backoffMs(attempt, APPEND_BACKOFF);
      if (performance.now() + waitMs >= deadline) {
        return unknown ? { kind: 'unknown' } : { kind: 'refused', error: failure };
      }
      metrics.appendRetries.inc();
      // The adapter logs an outage once and a counter counts attempts: a line each is noise.
      logger.debug('Retrying an append', { stream, attempt, error: failure });
      await pause(waitMs);
    }
  };
};
