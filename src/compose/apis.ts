import type { RequestListener } from 'node:http';
import { Router } from 'express';
import type { CommandHandler } from '../command-side/handling/handler.js';
import { createCommandApi } from '../command-side/http/command-api.js';
import { listenError } from '../platform/config/system-errors.js';
import { createHttpApp, PROBES } from '../platform/http/http-app.js';
import { type HttpServer, listen } from '../platform/http/http-server.js';
import { Problem } from '../platform/http/problem.js';
import type { MetricsPart } from '../platform/observability/metrics.js';
import { PACKAGE_ROOT, VERSION } from '../platform/package.js';
import type { EventStore } from '../ports/event-store.js';
import type { WithProjections } from '../ports/projections.js';
import type { ReadStore } from '../ports/read-store.js';
import type { DocumentUsers, EraseUser } from '../ports/user-protection.js';
import { createDashboard, type Dashboard } from '../query-side/dashboard/dashboard.js';
import { createQueryApi } from '../query-side/graphql/query-api.js';
import type { ServiceInfo } from '../query-side/graphql/schema.js';
import { otherParts, shownAddress } from './addresses.js';
import type { Dependencies, ServeDependencies } from './dependencies.js';
import { openPipeline } from './pipeline.js';
import type { ReadSide } from './read-side.js';
import { allowedHosts, isBehindProxy, showsEvents } from './roles.js';

/**
 * The query `serviceInfo`. The lag is null until the bridge has caught up, and where another process
 * updates the active version.
 */
const serviceInfo = (role: string, readSide: ReadSide | null) => async (): Promise<ServiceInfo> => {
  const unknown = { version: VERSION, role, lagEvents: null, lagSeconds: null };
  if (readSide === null) return unknown;
  const { bridge, projectors, readStore } = readSide;
  const { caughtUp, waitingEvents, lagSeconds } = bridge.status();
  if (!caughtUp) return unknown;
  const active = await readStore.active();
  const onTheBus = active === null ? null : projectors.waiting(active.name);
  if (onTheBus === null) return unknown;
  return {
    ...unknown,
    lagEvents: waitingEvents + onTheBus,
    lagSeconds: onTheBus === 0 ? lagSeconds : null,
  };
};

const now = (): Date => new Date();

const sharedAppOptions = ({ config, logger, metrics, health, role }: ServeDependencies) => ({
  role,
  logger,
  metrics,
  health,
  readerKeys: [...config.apiKeys, ...config.readerApiKeys],
  allowedHosts: allowedHosts(config),
  corsOrigins: config.corsOrigins,
  rateLimitPerMinute: config.rateLimitPerMinute,
  trustProxy: config.trustProxy,
  production: config.env === 'production',
});

/** A port that is open from the start: it serves probes first, and all requests once `serve` is called. */
export interface OpenPort {
  readonly url: string;
  serve(app: RequestListener): Promise<void>;
}

export const openCommandPort = (
  dependencies: ServeDependencies,
  metricsOf: readonly MetricsPart[],
): Promise<OpenPort> =>
  openPort(dependencies, {
    variable: 'COMMAND_PORT',
    port: dependencies.config.commandPort,
    title: 'Command API',
    metricsOf,
  });

export const openQueryPort = (
  dependencies: ServeDependencies,
  metricsOf: readonly MetricsPart[],
): Promise<OpenPort> =>
  openPort(dependencies, {
    variable: 'QUERY_PORT',
    port: dependencies.config.queryPort,
    title: 'Query API',
    metricsOf,
    dashboard: dashboardOf(dependencies),
  });

/** What it links is hidden where links to this machine's ports would mislead. */
const dashboardOf = (dependencies: ServeDependencies): Dashboard | null =>
  createDashboard(`${PACKAGE_ROOT}dist/dashboard`, () => {
    const { config, role } = dependencies;
    const commands = shownAddress(dependencies, 'commands') ?? null;
    return {
      version: VERSION,
      role,
      commands,
      demo: config.env !== 'production' && commands !== null,
      eventStoreUi: config.eventStore.uiUrl === '' ? null : config.eventStore.uiUrl,
      keys: config.apiKeys.length > 0,
      graphiql: config.env !== 'production',
    };
  });

export const serveCommands = (
  dependencies: ServeDependencies,
  port: OpenPort,
  {
    handler,
    store,
    eraseUser,
    metricsOf,
  }: {
    readonly handler: CommandHandler;
    readonly store: EventStore;
    readonly eraseUser: EraseUser | null;
    readonly metricsOf: readonly MetricsPart[];
  },
): Promise<void> => {
  const { apiKeys } = dependencies.config;
  const app = createCommandApi({
    ...sharedAppOptions(dependencies),
    handler,
    store,
    eraseUser,
    metricsOf,
    apiKeys,
    version: VERSION,
    now,
    elsewhere: otherParts(dependencies, 'commands'),
  });
  return port.serve(app);
};

export const serveQueries = async (
  dependencies: ServeDependencies,
  port: OpenPort,
  {
    readStore,
    usersOf,
    readSide,
    eventStore,
    metricsOf,
  }: {
    readonly readStore: ReadStore;
    readonly usersOf: DocumentUsers;
    /** Null where this process has none. */
    readonly eventStore: (EventStore & Partial<WithProjections>) | null;
    readonly metricsOf: readonly MetricsPart[];
    /** Null where another process runs the read side. */
    readonly readSide: ReadSide | null;
  },
): Promise<void> => {
  const { config, lifecycle } = dependencies;
  const closing = new AbortController();
  const app = createQueryApi({
    ...sharedAppOptions(dependencies),
    metricsOf,
    readStore,
    usersOf,
    now,
    serviceInfo: serviceInfo(dependencies.role, readSide),
    events: showsEvents(config) ? (eventStore ?? 'no-event-store') : 'off',
    projections: eventStore?.projections ?? null,
    pipeline: await openPipeline(dependencies, { readStore, readSide, eventStore }),
    maxSubscriptions: config.maxSubscriptions,
    closing: closing.signal,
    elsewhere: otherParts(dependencies, 'queries'),
    dashboard: dashboardOf(dependencies),
  });
  await port.serve(app);
  // Closed before the requests of the port, which would wait for them.
  await lifecycle.open(
    'subscriptions',
    () => closing,
    (all) => {
      all.abort();
      return Promise.resolve();
    },
  );
};

/** Health and metrics of a role without an API. */
export const serveProbes = (
  dependencies: ServeDependencies,
  variable: string,
  port: number,
  metricsOf: readonly MetricsPart[],
): Promise<{ readonly url: string }> => {
  const title = dependencies.role === 'bridge' ? 'Bridge' : 'Projector';
  const app = createHttpApp({
    ...sharedAppOptions(dependencies),
    metricsOf,
    title,
    links: () => [],
    routers: [],
  });
  return serve(dependencies, variable, port, app);
};

interface PortOptions {
  readonly variable: string;
  readonly port: number;
  readonly title: string;
  readonly metricsOf: readonly MetricsPart[];
  /** Served from the start: it says that the service is starting. */
  readonly dashboard?: Dashboard | null;
}

const openPort = async (
  dependencies: ServeDependencies,
  { variable, port, title, metricsOf, dashboard }: PortOptions,
): Promise<OpenPort> => {
  const routers = [...(dashboard ? [dashboard.routes] : []), refuseWhileStarting()];
  let current: RequestListener = createHttpApp({
    ...sharedAppOptions(dependencies),
    metricsOf,
    title,
    routers,
    page: dashboard?.page,
    links: () => [],
  });
  const server = await serve(dependencies, variable, port, (req, res) => current(req, res));
  return {
    url: server.url,
    serve: async (app) => {
      // The port opened first, but its requests must end before the parts that serve them.
      await dependencies.lifecycle.open(
        `requests of ${variable}`,
        () => void (current = app),
        () => server.close(requestsMs(dependencies)),
      );
    },
  };
};

const refuseWhileStarting = (): Router => {
  const router = Router({ caseSensitive: true });
  router.use(({ path }, _res, next) => {
    if (path === '/' || PROBES.includes(path)) next();
    else next(new Problem(503, STARTING, { headers: { 'Retry-After': '5' } }));
  });
  return router;
};

const STARTING = 'The service is starting: /health says what it waits for. Try again later.';

const requestsMs = ({ config }: Dependencies): number =>
  config.shutdownTimeoutMs * SHARE_FOR_REQUESTS;
/** Running requests get most of the shutdown time-out; closing the stores needs the rest. */
const SHARE_FOR_REQUESTS = 0.6;

const serve = (
  dependencies: Dependencies,
  variable: string,
  port: number,
  app: RequestListener,
): Promise<HttpServer> => {
  const { config, logger } = dependencies;
  const { host, keepAliveTimeoutMs } = config;
  // Behind a proxy all clients have its address.
  const maxConnectionsPerAddress = isBehindProxy(config) ? 0 : config.maxConnectionsPerAddress;
  const options = { host, port, keepAliveTimeoutMs, maxConnectionsPerAddress, logger };
  return dependencies.lifecycle.open(
    variable,
    () => listen(app, options).catch(listenError(variable, port)),
    (server) => server.close(requestsMs(dependencies)),
  );
};
