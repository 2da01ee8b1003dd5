import { once } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { banner, waitingBanner, type Addresses } from './addresses.js';
import { refuseAnonymous, requireSharedServers, type Role } from './roles.js';
import { watchServers } from './server-watch.js';
import { START, type ServiceJobs } from './start-role.js';
import { ConfigError, type Config } from '../platform/config/config.js';
import { createHealth } from '../platform/observability/health.js';
import { createLifecycle } from '../platform/lifecycle.js';
import type { Logger } from '../platform/observability/logger.js';
import type { TelemetrySettings } from '../platform/config/telemetry.js';
import { createMetrics } from '../platform/observability/metrics.js';
import { pause } from '../platform/async/retry.js';
import { VERSION } from '../platform/package.js';
import { PortError } from '../ports/errors.js';

export interface ServiceOptions {
  readonly config: Config;
  readonly logger: Logger;
  /** Lines of the log that could not be written so far. */
  readonly lostLogLines: () => number;
  readonly role: Role;
  readonly jobs: ServiceJobs;
  /** Null if spans and metrics are not exported. */
  readonly telemetry: TelemetrySettings | null;
  readonly print: (text: string) => void;
  readonly stop: AbortSignal;
}

/**
 * Runs the service until `stop` aborts, then drains and closes it. True when all of it closed
 * cleanly within its deadline. Rejects when it cannot start.
 */
export const runService = async (options: ServiceOptions): Promise<boolean> => {
  const { config, logger, role, jobs, telemetry, print, stop } = options;
  boundHeapGrowth();
  requireSharedServers(role, config);
  refuseAnonymous(config);
  const lifecycle = createLifecycle({ logger, timeoutMs: config.shutdownTimeoutMs });
  const metrics = createMetrics({ processMetrics: true, role });
  metrics.followLog(options.lostLogLines);
  const health = createHealth({ service: `anime-analytics ${role}`, version: VERSION, logger });
  metrics.followDependencies(async () =>
    // Keep the last values: a part that is closing is not unhealthy.
    stop.aborted ? {} : (await health.report()).dependencies,
  );
  const addresses: Addresses = {};
  const servers = watchServers({
    config,
    role,
    health,
    onWait: (missing) => print(waitingBanner(addresses, role, missing)),
  });
  const dependencies = {
    config,
    logger,
    lifecycle,
    metrics,
    health,
    servers,
    role,
    addresses,
    jobs,
    signal: stop,
  };
  try {
    health.starting();
    if (telemetry !== null) {
      // Opened first and so closed last, after the last span.
      await lifecycle.open(
        'telemetry',
        async () => {
          // Loaded here, so that the SDK costs nothing where it is not used.
          const { startSdk } = await import('../platform/observability/telemetry-sdk.js');
          return startSdk({ settings: telemetry, role, metrics, logger });
        },
        (opened) => opened.close(),
      );
    }
    await START[role](dependencies);
    health.started();
    print(banner(addresses, role, config));
    if (!stop.aborted) await once(stop, 'abort');
    const { shutdownGraceMs: graceMs, shutdownTimeoutMs: timeoutMs } = config;
    const signal = (stop.reason as Error).message;
    logger.info('Stopping', { signal, graceMs, timeoutMs });
    health.stopping();
    // Load balancers read /ready; a person at a terminal need not wait for them.
    if (signal !== 'SIGINT') await pause(graceMs);
  } catch (error) {
    const clean = await lifecycle.close();
    // A stop during the start cuts it short: that is no failure.
    if (stop.aborted) return clean;
    throw asAccessProblem(error);
  }
  return lifecycle.close();
};

/** Access denied late in the start is a wrong setting, too, not a bug. */
const asAccessProblem = (error: unknown): unknown =>
  error instanceof PortError && error.code === 'ACCESS_DENIED'
    ? new ConfigError(
        `${error.message} Check the rights of the user in EVENTSTORE_URL, KAFKA_USERNAME or MONGODB_URL.`,
      )
    : error;

/** How much garbage the old generation may hold, as a percentage of what is in use. */
const GROWTH_PERCENT = 50;

/**
 * V8 waits with a full collection until the heap has four times the size of what is in use, and under
 * a steady load a service gets there, however little that garbage is a second. All threads' heaps.
 */
export const boundHeapGrowth = (): void =>
  setFlagsFromString(`--heap-growing-percent=${GROWTH_PERCENT}`);
