import type { Logger } from '../logger.js';
import { messageOf } from './group-transaction.js';
import type { FromWriter } from './writer-protocol.js';

export interface ScavengeOptions {
  /** How often the whole log is gone through. */
  readonly everyMs: number;
  /** Younger events stay: a retry with the same ids must still find them. */
  readonly minAgeMs: number;
}

type Scavenged = Extract<FromWriter, { readonly kind: 'scavenged' }>;

/** Asks the writer for one slice after the other; appends go in between. */
export const createScavenger = (options: {
  readonly scavenge: ScavengeOptions;
  readonly now: () => number;
  readonly logger: Logger;
  /** Resolves once the events that are there now may be deleted. */
  readonly ready: () => Promise<void>;
}) => {
  const { scavenge, now, logger, ready } = options;
  let ask: ((afterStream: number, createdBefore: number) => void) | undefined;
  let timer: NodeJS.Timeout | undefined;
  let deleted = 0;

  const slice = (afterStream: number): void => ask?.(afterStream, now() - scavenge.minAgeMs);

  const round = (): void => {
    ready().then(
      () => slice(0),
      (error: unknown) => {
        logger.warn('event log not scavenged', { reason: messageOf(error) });
        rest();
      },
    );
  };

  const rest = (): void => {
    if (ask !== undefined) timer = setTimeout(round, scavenge.everyMs).unref();
  };

  return {
    start: (askWriter: (afterStream: number, createdBefore: number) => void): void => {
      ask = askWriter;
      rest();
    },
    scavenged: (result: Scavenged): void => {
      deleted += result.deleted;
      if (result.failure !== undefined) {
        logger.warn('event log not scavenged', { reason: result.failure });
      }
      if (result.nextStream !== null) {
        setImmediate(slice, result.nextStream);
        return;
      }
      if (deleted > 0) logger.debug('event log scavenged', { deleted });
      deleted = 0;
      rest();
    },
    stop: (): void => {
      ask = undefined;
      clearTimeout(timer);
    },
  };
};
