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
import type { Logger } from '../../platform/observability/logger.js';
import type { Metrics } from '../../platform/observability/metrics.js';
import { backoffMs, pause } from '../../platform/async/retry.js';

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
      logger.debug('Append repeated', { stream, attempt, error: failure });
      await pause(waitMs);
    }
  };
};
