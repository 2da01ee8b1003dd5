import { once } from 'node:events';
import type { Role } from './cli.js';
import { banner, waitingBanner, type Addresses } from './compose/banner.js';
import type { JobOutput } from './compose/job.js';
import { refuseAnonymous, refuseLonely } from './compose/roles.js';
import { watchServers } from './compose/server-watch.js';
import { START } from './compose/start-role.js';
import { ConfigError, type Config } from './platform/config/config.js';
import { createHealth } from './platform/observability/health.js';
import { createLifecycle } from './platform/lifecycle.js';
import type { Logger } from './platform/observability/logger.js';
import { createMetrics } from './platform/observability/metrics.js';
import { pause } from './platform/async/retry.js';
import { VERSION } from './platform/package.js';
import { PortError } from './ports/errors.js';

export interface ServiceOptions {
  readonly config: Config;
  readonly logger: Logger;
  /** How many lines of the log could not be written so far. */
  readonly lostLogLines: () => number;
  readonly role: Role;
  /** Imported first where the event store holds no anime. */
  readonly sampleCatalog: string | undefined;
  readonly print: (text: string) => void;
  readonly progress: JobOutput['progress'];
  readonly stop: AbortSignal;
}

/**
 * Runs the service until `stop` aborts, then drains and closes it. True when all of it closed
 * cleanly within its deadline. Rejects when it cannot start.
 */
export const runService = async (options: ServiceOptions): Promise<boolean> => {
  const { config, logger, role, sampleCatalog, print, progress, stop } = options;
  refuseLonely(role, config);
  refuseAnonymous(config);
  const life = createLifecycle({ logger, timeoutMs: config.shutdownTimeoutMs });
  const metrics = createMetrics({ processMetrics: true, role });
  metrics.followLog(options.lostLogLines);
  const health = createHealth({ service: `anime-analytics ${role}`, version: VERSION, logger });
  const addresses: Addresses = {};
  const servers = watchServers({
    ...{ config, role, health },
    onWait: (missing) => print(waitingBanner(addresses, role, missing)),
  });
  const shared = { config, logger, life, metrics, health, servers };
  const output = { print, progress };
  const needs = { ...shared, role, addresses, sampleCatalog, output, signal: stop };
  try {
    health.starting();
    await START[role](needs);
    health.started();
    print(banner(addresses, role, config));
    if (!stop.aborted) await once(stop, 'abort');
    const { shutdownGraceMs: graceMs, shutdownTimeoutMs: timeoutMs } = config;
    const signal = (stop.reason as Error).message;
    logger.info('Stopping', { signal, graceMs, timeoutMs });
    health.stopping();
    // A person at a terminal waits for nothing; load balancers learn it from /ready.
    if (signal !== 'SIGINT') await pause(graceMs);
  } catch (error) {
    const clean = await life.close();
    // Told to stop while it started: what was cut short by that is no failure.
    if (stop.aborted) return clean;
    throw deniedIn(error);
  }
  return life.close();
};

/** What is asked for only late in the start may be denied, too: that is a setting, and no bug. */
const deniedIn = (error: unknown): unknown =>
  error instanceof PortError && error.code === 'ACCESS_DENIED'
    ? new ConfigError(
        `${error.message} See to the rights of the user in EVENTSTORE_URL, KAFKA_USERNAME or MONGODB_URL.`,
      )
    : error;
