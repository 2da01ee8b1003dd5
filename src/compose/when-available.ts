import { unlessAborted } from '../bridge/deadline.js';
import { ConfigError } from '../platform/config.js';
import type { Logger } from '../platform/logger.js';
import { backoffMs, pause } from '../platform/retry.js';
import { PortError } from '../ports/errors.js';

const BACKOFF = { baseMs: 200, maxMs: 5000 };

export interface WaitOptions {
  /** What is waited for, and the settings that say where it is and who asks. */
  readonly server: string;
  readonly settings: string;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/**
 * Asks until there is an answer: a service may be started before its servers. Rejects as soon as the
 * signal aborts, and with a ConfigError where the server denies access.
 */
export const whenAvailable = async <T>(ask: () => Promise<T>, options: WaitOptions): Promise<T> => {
  const { server, settings, logger, signal } = options;
  for (let attempt = 0; ; attempt += 1) {
    signal.throwIfAborted();
    try {
      return await unlessAborted(signal, ask());
    } catch (error) {
      if (error instanceof PortError && error.code === 'ACCESS_DENIED') {
        throw new ConfigError(`${settings}: ${error.message}`);
      }
      if (!(error instanceof PortError) || !error.retriable) throw error;
      logger.warn('A server does not answer yet', { server, error });
    }
    await pause(backoffMs(attempt, BACKOFF), signal);
  }
};
