import { DirectoryInUseError } from '../adapters/embedded/lock.js';
import { ConfigError, type Config } from '../platform/config.js';
import { createLifecycle } from '../platform/lifecycle.js';
import type { Logger } from '../platform/logger.js';
import { createMetrics } from '../platform/metrics.js';
import type { EventStore } from '../ports/event-store.js';
import type { WithProjections } from '../ports/projections.js';
import type { ReadStore } from '../ports/read-store.js';
import { isKafka } from './bus.js';
import { lockDataDirectory } from './data-directory.js';
import { openEventStoreForJob, openOwnLog } from './event-store.js';
import type { Needs } from './needs.js';
import { isMongodb, openReadStoreOf } from './read-store.js';

/** What every job of the command line is run with. */
export interface JobOptions {
  readonly config: Config;
  readonly logger: Logger;
  readonly print: (text: string) => void;
  /** Aborts when the user has had enough. */
  readonly stop: AbortSignal;
}

export type JobNeeds = Omit<Needs, 'health'> & { readonly signal: AbortSignal };

/** Runs a job, and closes what it opened whatever it came to. */
export const runJob = async (
  { config, logger, stop: signal }: JobOptions,
  work: (needs: JobNeeds) => Promise<boolean>,
): Promise<boolean> => {
  const life = createLifecycle({ logger, timeoutMs: config.shutdownTimeoutMs });
  const metrics = createMetrics({ processMetrics: false });
  try {
    return await work({ config, logger, life, metrics, signal });
  } finally {
    await life.close();
  }
};

export interface Stores {
  readonly eventStore: EventStore & Partial<WithProjections>;
  readonly readStore: ReadStore;
}

/**
 * The log and the documents. Embedded documents belong to the process that owns DATA_DIR, so beside
 * a running service the job is refused.
 */
export const openStores = async (needs: JobNeeds): Promise<Stores> => {
  const { config } = needs;
  const ownsDirectory = !isMongodb(config) || !isKafka(config);
  if (!ownsDirectory) {
    return {
      eventStore: await openEventStoreForJob(needs),
      readStore: await openReadStoreOf(needs),
    };
  }
  try {
    const eventStore = await openLogOfOwner(needs);
    return { eventStore, readStore: await openReadStoreOf(needs) };
  } catch (error) {
    if (!(error instanceof DirectoryInUseError)) throw error;
    throw new ConfigError(
      `DATA_DIR: ${error.message} Only it can reach what is kept there: stop it for this job, or run it ` +
        'on servers (KAFKA_BROKERS, MONGODB_URL).',
    );
  }
};

const openLogOfOwner = async (needs: JobNeeds): Promise<Stores['eventStore']> => {
  if (needs.config.eventStore.url === '') return await openOwnLog(needs);
  await lockDataDirectory(needs);
  return await openEventStoreForJob(needs);
};
