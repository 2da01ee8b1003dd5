import { PortError } from '../../ports/errors.js';
import type { Logger } from '../observability/logger.js';

export interface OutageOptions {
  readonly logger: Pick<Logger, 'debug' | 'info' | 'warn'>;
  /** Logged when the outage begins. */
  readonly begun: string;
  /** Logged when the outage is over. */
  readonly ended: string;
  /** Milliseconds of a monotonic clock. */
  readonly monotonic?: () => number;
}

export interface Outage {
  failed(error: unknown, context?: Readonly<Record<string, unknown>>): void;
  /** The operation has succeeded again. */
  over(): void;
}

/**
 * Retries through an outage fail again and again: log one line when it begins and one when it is over,
 * and the failures in between at debug level.
 */
export const createOutage = (options: OutageOptions): Outage => {
  const { logger, begun, ended, monotonic = () => performance.now() } = options;
  let since: number | null = null;
  let failures = 0;
  return {
    failed(error, context = {}) {
      failures += 1;
      if (since !== null) {
        logger.debug(begun, { ...context, failures, error });
        return;
      }
      since = monotonic();
      // An unavailable server needs only its sentence; a bug needs its stack.
      const stack = error instanceof PortError ? {} : { error };
      logger.warn(begun, { ...context, reason: reasonOf(error), ...stack });
    },
    over() {
      if (since === null) return;
      logger.info(ended, { afterSeconds: secondsBetween(since, monotonic()), failures });
      since = null;
      failures = 0;
    },
  };
};

/** Why in one line, with the server's own words where it gave any. */
export const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return 'Something was thrown that is no error.';
  const details = error instanceof PortError ? error.context['details'] : undefined;
  return typeof details === 'string' && details !== ''
    ? `${error.message} ${details}`
    : error.message;
};

/** To a tenth. */
export const secondsBetween = (from: number, to: number): number =>
  Math.round((to - from) / 100) / 10;
