import { DirectoryInUseError } from '../embedded-eventstore/lock.js';
import type { StoreJob } from '../cli.js';
import { ConfigError, type Config } from '../platform/config/config.js';
import { createLifecycle } from '../platform/lifecycle.js';
import type { Logger } from '../platform/observability/logger.js';
import { createMetrics } from '../platform/observability/metrics.js';
import type { Progress } from '../platform/progress.js';
import type { DeadLetters } from '../ports/dead-letters.js';
import type { EventStore } from '../ports/event-store.js';
import type { WithProjections } from '../ports/projections.js';
import type { ReadStore } from '../ports/read-store.js';
import { isKafka, openDeadLettersOf } from './bus.js';
import { lockDataDirectory, requireDataDirectory } from './data-directory.js';
import { openEventStoreForJob, openOwnLog } from './event-store.js';
import type { Needs } from './needs.js';
import { isMongodb, openReadStoreOf } from './read-store.js';

/** Where a job tells what it does. */
export interface JobOutput {
  /** For a person. */
  readonly print: (text: string) => void;
  /** For a machine: what came of it, as fields of one JSON document. */
  readonly report: (data: Readonly<Record<string, unknown>>) => void;
  readonly progress: (progress: Progress) => void;
}

/** What every job of the command line is run with. */
export interface JobOptions extends JobOutput {
  readonly config: Config;
  readonly logger: Logger;
  /** Aborts when the user has had enough. */
  readonly stop: AbortSignal;
}

export type JobNeeds = Omit<Needs, 'health' | 'life'> & { readonly signal: AbortSignal };
type OwnNeeds = JobNeeds & Pick<Needs, 'life'>;

/** Runs a job, and closes what it opened whatever it came to. */
export const runJob = async (
  { config, logger, stop: signal }: Pick<JobOptions, 'config' | 'logger' | 'stop'>,
  work: (needs: OwnNeeds) => Promise<boolean>,
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
  /** Opened for those jobs alone that look at them. */
  readonly deadLetters: () => Promise<DeadLetters>;
  /** Where a service runs the job: it feeds versions while they come and go. */
  readonly feeding?: VersionFeeding;
}

export interface VersionFeeding {
  /** Feeds a version that was built; `catchUp` adds what was published before that. */
  adopt(version: string, catchUp: () => Promise<void>): Promise<void>;
  /** Lets go of a version that is to be removed. */
  release(version: string): Promise<void>;
}

/** Whether it leaves everything as it is. */
export const isReadOnly = (job: StoreJob): boolean =>
  job.command === 'audit' || ['status', 'list'].includes(job.action.kind);

/**
 * The log and the documents. Embedded ones belong to the process that owns DATA_DIR: where there is
 * one, rejects with DirectoryInUseError, unless the job can do without that directory.
 */
export const openStores = async (needs: OwnNeeds, job: StoreJob): Promise<Stores> => {
  const { config } = needs;
  const shared = isMongodb(config) && (isKafka(config) || isReadOnly(job));
  const embedded = config.eventStore.url === '';
  const readsLetters = job.command === 'dead-letters' && !isKafka(config);
  if (!shared || embedded || readsLetters) await requireDataDirectory(config, { log: embedded });
  if (!shared && !embedded) await lockDataDirectory(needs);
  const own = embedded && !shared;
  return {
    eventStore: own ? await openOwnLog(needs) : await openEventStoreForJob(needs),
    readStore: await openReadStoreOf(needs),
    deadLetters: () => openDeadLettersOf(needs),
  };
};

/** Why a job is refused beside a process that has the directory and takes no jobs. */
export const refusal = (error: DirectoryInUseError): ConfigError =>
  new ConfigError(
    `DATA_DIR: ${error.message} It takes no jobs, and only it can reach what is kept there: stop it ` +
      'for this job, or run it on servers (KAFKA_BROKERS, MONGODB_URL).',
  );
