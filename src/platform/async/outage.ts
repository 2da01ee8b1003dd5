import { PortError } from '../../ports/errors.js';
import type { Logger } from '../observability/logger.js';

export interface OutageOptions {
  readonly logger: Pick<Logger, 'debug' | 'info' | 'warn'>;
  /** The line when it begins. */
  readonly begun: string;
  /** The line when it is over. */
  readonly ended: string;
  /** Milliseconds of a clock that only runs forward. */
  readonly monotonic?: () => number;
}

export interface Outage {
  failed(error: unknown, context?: Readonly<Record<string, unknown>>): void;
  /** What failed has worked. */
  over(): void;
}

/**
 * What is tried again through an outage fails again and again: the log has a line when that begins
 * and one when it is over. The failures between them are for whoever looks closely.
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
      // A server that is away is a sentence; where a bug is, only its stack tells.
      const told = error instanceof PortError ? {} : { error };
      logger.warn(begun, { ...context, reason: reasonOf(error), ...told });
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
