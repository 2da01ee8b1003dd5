import { once } from 'node:events';
import type { Role } from './cli.js';
import { serveCommands, serveQueries } from './compose/apis.js';
import { banner } from './compose/banner.js';
import { openCommandHandler } from './compose/commands.js';
import { openEventStore } from './compose/event-store.js';
import { importFile, isEmptyStore } from './compose/import-job.js';
import type { Needs } from './compose/needs.js';
import { openReadSide } from './compose/read-side.js';
import { refuseLonely } from './compose/roles.js';
import type { Config } from './platform/config.js';
import { createHealth } from './platform/health.js';
import { createLifecycle } from './platform/lifecycle.js';
import type { Logger } from './platform/logger.js';
import { createMetrics } from './platform/metrics.js';
import { VERSION } from './platform/version.js';

export interface ServiceOptions {
  readonly config: Config;
  readonly logger: Logger;
  readonly role: Role;
  /** Imported first where the event store holds no anime. */
  readonly sampleCatalog: string | undefined;
  readonly print: (text: string) => void;
  readonly stop: AbortSignal;
}

/**
 * Runs the service until `stop` aborts, then drains and closes it. True when all of it closed
 * cleanly within its deadline. Rejects when it cannot start.
 */
export const runService = async (options: ServiceOptions): Promise<boolean> => {
  const { config, logger, role, stop } = options;
  refuseLonely(role, config);
  const life = createLifecycle({ logger, timeoutMs: config.shutdownTimeoutMs });
  const metrics = createMetrics({ processMetrics: true });
  const health = createHealth({ service: `anime-analytics ${role}`, version: VERSION, logger });
  const needs: Needs = { config, logger, life, metrics, health };
  try {
    await startAll(needs, options);
    if (!stop.aborted) await once(stop, 'abort');
    logger.info('Stopping', { timeoutMs: config.shutdownTimeoutMs });
    health.stopping();
  } catch (error) {
    const clean = await life.close();
    // Told to stop while it started: what was cut short by that is no failure.
    if (stop.aborted) return clean;
    throw error;
  }
  return life.close();
};

/** Everything in the order in which it depends on each other. */
const startAll = async (needs: Needs, options: ServiceOptions): Promise<void> => {
  const { config, logger, health } = needs;
  const { role, sampleCatalog, print, stop } = options;
  const { store, address } = await openEventStore(needs);
  health.register('event-store', () => store.ping());
  // Of the roles that may run alone here, only the command API does.
  const readSide =
    role === 'all' ? await openReadSide(needs, { eventStore: store, signal: stop }) : null;
  const handler = await openCommandHandler(needs, store);
  if (sampleCatalog !== undefined && (await isEmptyStore(store, stop))) {
    await importFile({ handler, logger, file: sampleCatalog, signal: stop });
  }
  const commands = await serveCommands(needs, { handler, store });
  const queries = readSide === null ? null : await serveQueries(needs, role, readSide);
  const queriesUrl = queries?.url ?? null;
  print(banner({ commands: commands.url, queries: queriesUrl, eventStore: address, config }));
};
