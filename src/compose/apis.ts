import type { Role } from '../cli.js';
import { createCommandApi } from '../command-side/command-api.js';
import type { CommandHandler } from '../command-side/handler.js';
import { createQueryApi } from '../query-side/query-api.js';
import { createHttpApp } from '../platform/http-app.js';
import { listen, type HttpServer } from '../platform/http-server.js';
import { VERSION } from '../platform/version.js';
import type { EventStore } from '../ports/event-store.js';
import type { ReadStore } from '../ports/read-store.js';
import type { MetricsPart } from '../platform/metrics.js';
import type { Addresses } from './banner.js';
import { elsewhere } from './elsewhere.js';
import type { Needs } from './needs.js';
import { portTaken } from './port-taken.js';
import type { ReadSide } from './read-side.js';
import { serviceInfo } from './service-info.js';

const now = (): Date => new Date();

/** What a part that is seen over HTTP is opened with. */
export interface ServeNeeds extends Needs {
  readonly role: Role;
  /** Filled as the parts of this process open. */
  readonly addresses: Addresses;
}

const shared = ({ config, logger, metrics, health, role }: ServeNeeds) => ({
  role,
  logger,
  metrics,
  health,
  corsOrigins: config.corsOrigins,
  rateLimitPerMinute: config.rateLimitPerMinute,
  trustProxy: config.trustProxy,
  production: config.env === 'production',
});

export const serveCommands = (
  needs: ServeNeeds,
  {
    handler,
    store,
    metricsOf,
  }: {
    readonly handler: CommandHandler;
    readonly store: EventStore;
    readonly metricsOf: readonly MetricsPart[];
  },
): Promise<HttpServer> => {
  const { apiKeys, commandPort } = needs.config;
  const app = createCommandApi({
    ...shared(needs),
    ...{ handler, store, metricsOf, apiKeys, version: VERSION, now },
    elsewhere: elsewhere(needs, 'commands'),
  });
  return serve(needs, 'COMMAND_PORT', commandPort, app);
};

export const serveQueries = (
  needs: ServeNeeds,
  {
    readStore,
    readSide,
    metricsOf,
  }: {
    readonly readStore: ReadStore;
    readonly metricsOf: readonly MetricsPart[];
    /** Null where another process runs it. */
    readonly readSide: ReadSide | null;
  },
): Promise<HttpServer> => {
  const app = createQueryApi({
    ...{ ...shared(needs), metricsOf, readStore, now },
    serviceInfo: serviceInfo(needs.role, readSide),
    elsewhere: elsewhere(needs, 'queries'),
  });
  return serve(needs, 'QUERY_PORT', needs.config.queryPort, app);
};

/** Health and metrics of a part that serves nothing else. */
export const serveProbes = (
  needs: ServeNeeds,
  variable: string,
  port: number,
  metricsOf: readonly MetricsPart[],
): Promise<HttpServer> => {
  const title = needs.role === 'bridge' ? 'Bridge' : 'Projector';
  const app = createHttpApp({ ...shared(needs), metricsOf, title, links: () => [], routers: [] });
  return serve(needs, variable, port, app);
};

/** Requests under way get most of the time that a stop may take; the parts below need the rest. */
const SHARE_FOR_REQUESTS = 0.6;

const serve = (
  { config, life }: Needs,
  variable: string,
  port: number,
  app: Parameters<typeof listen>[0],
): Promise<HttpServer> =>
  life.open(
    variable,
    () => listen(app, { host: config.host, port }).catch(portTaken(variable, port)),
    (server) => server.close(config.shutdownTimeoutMs * SHARE_FOR_REQUESTS),
  );
