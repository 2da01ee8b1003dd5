import type { Logger } from './observability/logger.js';
import { pause } from './async/retry.js';

export interface Lifecycle {
  /** Opens a part, after all parts opened before it; remembers how to close it. */
  open<T>(name: string, open: () => Promise<T> | T, close: (part: T) => Promise<void>): Promise<T>;
  /**
   * Closes all parts, last opened first, once however often it is called. A part that fails is
   * logged and the others are still closed. False when something failed or the deadline passed.
   */
  close(): Promise<boolean>;
}

interface OpenedPart {
  readonly name: string;
  readonly close: () => Promise<void>;
}

/** Start in order, stop in reverse, within a deadline. */
export const createLifecycle = (options: {
  readonly logger: Logger;
  readonly timeoutMs: number;
}): Lifecycle => {
  const { logger, timeoutMs } = options;
  const opened: OpenedPart[] = [];
  let closing: Promise<boolean> | undefined;

  const closeAll = async (): Promise<boolean> => {
    let clean = true;
    for (let part = opened.pop(); part !== undefined; part = opened.pop()) {
      try {
        await part.close();
        logger.debug('Part closed', { part: part.name });
      } catch (error) {
        clean = false;
        logger.error('Part did not close cleanly', { part: part.name, error });
      }
    }
    return clean;
  };

  const withinDeadline = async (): Promise<boolean> => {
    const done = new AbortController();
    const deadline = pause(timeoutMs, done.signal).then(() => {
      if (!done.signal.aborted) {
        const open = opened.map(({ name }) => name);
        logger.error('Shutdown deadline passed', { timeoutMs, open });
      }
      return false;
    });
    try {
      return await Promise.race([closeAll(), deadline]);
    } finally {
      done.abort();
    }
  };

  return {
    open: async (name, open, close) => {
      if (closing !== undefined) throw new Error(`The service is closing; ${name} was not opened.`);
      const part = await open();
      opened.push({ name, close: () => close(part) });
      logger.debug('Part opened', { part: name });
      return part;
    },
    close: () => (closing ??= withinDeadline()),
  };
};
