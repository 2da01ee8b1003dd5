import type { Logger } from './observability/logger.js';
import { settledWithin } from './async/abort.js';

export interface Lifecycle {
  /** Opens a part and remembers how to close it. */
  open<T>(name: string, open: () => Promise<T> | T, close: (part: T) => Promise<void>): Promise<T>;
  /**
   * Closes all parts in reverse order, once however often it is called. A failure is logged and the
   * other parts are still closed. False when a part failed or the deadline passed.
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

  const closeInTime = async (): Promise<boolean> => {
    const closed = closeAll();
    if (await settledWithin(closed, timeoutMs)) return await closed;
    logger.error('Shutdown deadline passed', { timeoutMs, open: opened.map(({ name }) => name) });
    return false;
  };

  return {
    open: async (name, open, close) => {
      if (closing !== undefined) throw new Error(`The service is closing; ${name} was not opened.`);
      const part = await open();
      opened.push({ name, close: () => close(part) });
      logger.debug('Part opened', { part: name });
      return part;
    },
    close: () => (closing ??= closeInTime()),
  };
};
