import type { Logger } from '../platform/logger.js';
import { backoffMs, pause } from '../platform/retry.js';
import { PortError } from '../ports/errors.js';

const BACKOFF = { baseMs: 200, maxMs: 5000 };

/** Asks until there is an answer, or the signal aborts: a service may be started before its servers. */
export const whenAvailable = async <T>(
  ask: () => Promise<T>,
  options: { readonly server: string; readonly logger: Logger; readonly signal: AbortSignal },
): Promise<T> => {
  const { server, logger, signal } = options;
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof PortError) || !error.retriable || signal.aborted) throw error;
      logger.warn('A server does not answer yet', { server, error });
    }
    await pause(backoffMs(attempt, BACKOFF), signal);
  }
};
