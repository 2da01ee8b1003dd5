import { DirectoryInUseError } from '../embedded-eventstore/lock.js';
import { ConfigError, type Config } from '../platform/config/config.js';
import { createLifecycle } from '../platform/lifecycle.js';
import type { Logger } from '../platform/observability/logger.js';
import { createMetrics } from '../platform/observability/metrics.js';
import type { Progress } from '../platform/progress.js';
import type { Dependencies } from '../compose/dependencies.js';

/** The output of a job. */
export interface JobOutput {
  /** For a person. */
  readonly print: (text: string) => void;
  /** For a machine: the result, as fields of one JSON document. */
  readonly report: (data: Readonly<Record<string, unknown>>) => void;
  readonly progress: (progress: Progress) => void;
  /** Resolves once the output is flushed, for backpressure on long output. */
  readonly drained?: (() => Promise<void>) | undefined;
}

/** The options of every job. */
export interface JobOptions extends JobOutput {
  readonly config: Config;
  readonly logger: Logger;
  /** Aborted by Ctrl-C or SIGTERM. */
  readonly stop: AbortSignal;
}

export type JobDependencies = Omit<Dependencies, 'health' | 'lifecycle'> & {
  readonly signal: AbortSignal;
};
export type OwnDependencies = JobDependencies & Pick<Dependencies, 'lifecycle'>;

/** Runs a job, and closes what it opened even if it fails. */
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

/** The process that owns DATA_DIR does not accept jobs. */
export const ownerTakesNoJobs = (error: DirectoryInUseError): ConfigError =>
  new ConfigError(
    `DATA_DIR: ${error.message} It does not run jobs, and no other process can open its data: stop it ` +
      'for this job, or run it on servers (KAFKA_BROKERS, MONGODB_URL).',
  );
