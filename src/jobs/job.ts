import { DirectoryInUseError } from '../embedded-eventstore/lock.js';
import { ConfigError, type Config } from '../platform/config/config.js';
import { createLifecycle } from '../platform/lifecycle.js';
import type { Logger } from '../platform/observability/logger.js';
import { createMetrics } from '../platform/observability/metrics.js';
import type { Progress } from '../platform/progress.js';
import type { Dependencies } from '../compose/dependencies.js';

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

export type JobDependencies = Omit<Dependencies, 'health' | 'lifecycle'> & {
  readonly signal: AbortSignal;
};
type OwnDependencies = JobDependencies & Pick<Dependencies, 'lifecycle'>;

/** Runs a job, and closes what it opened whatever it came to. */
export const runJob = async (
  { config, logger, stop: signal }: Pick<JobOptions, 'config' | 'logger' | 'stop'>,
  work: (dependencies: OwnDependencies) => Promise<boolean>,
): Promise<boolean> => {
  const lifecycle = createLifecycle({ logger, timeoutMs: config.shutdownTimeoutMs });
  const metrics = createMetrics({ processMetrics: false });
  try {
    return await work({ config, logger, lifecycle, metrics, signal });
  } finally {
    await lifecycle.close();
  }
};

/** Why a job is refused beside a process that has the directory and takes no jobs. */
export const ownerTakesNoJobs = (error: DirectoryInUseError): ConfigError =>
  new ConfigError(
    `DATA_DIR: ${error.message} It takes no jobs, and only it can reach what is kept there: stop it ` +
      'for this job, or run it on servers (KAFKA_BROKERS, MONGODB_URL).',
  );
