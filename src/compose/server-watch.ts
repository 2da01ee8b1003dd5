import type { Config } from '../platform/config/config.js';
import type { Health } from '../platform/observability/health.js';
import { within } from '../platform/async/abort.js';
import { PortError, UnavailableError } from '../ports/errors.js';
import { type Role, showsEvents } from './roles.js';
import { eventStoreServer, kafkaServer, mongodbServer, type Server } from './servers.js';

type Dependency = Server['dependency'];

/** What stops in a role while a server does not answer. */
const WITHOUT: Readonly<Record<Dependency, Partial<Record<Role, string>>>> = {
  'event-store': {
    all: 'Commands fail and no event is published',
    'command-api': 'Commands fail',
    bridge: 'No event is published',
    projector: 'Documents are not checked against the log, and gaps are not filled',
    'query-api': 'Stored events are not shown',
  },
  kafka: {
    all: 'No event is published and no document is updated',
    bridge: 'No event is published',
    projector: 'No document is updated',
  },
  'read-store': {
    all: 'Queries fail and no document is updated',
    projector: 'No document is updated',
    'query-api': 'Queries fail',
  },
};

/** Queries of the read models go on without it. */
const onlyDegrades = (role: Role, { dependency }: Server): boolean =>
  role === 'query-api' && dependency === 'event-store';

const isUsed = (config: Config, role: Role, server: Server): boolean =>
  WITHOUT[server.dependency][role] !== undefined &&
  (!onlyDegrades(role, server) || showsEvents(config));

/** Shorter than the time-out of the health check, which could not name the server. */
const PING_MS = 1_800;

/** The servers of this process in `/health`, by name, from the start. */
export interface ServerWatch {
  /** Notes why the server has not answered yet. */
  readonly waits: (server: Server, why: string) => void;
  /** From now on health checks ping the server. */
  readonly connected: (dependency: Dependency, ping: () => Promise<void>) => void;
}

export const watchServers = (options: {
  readonly config: Config;
  readonly role: Role;
  readonly health: Health;
  /** Called once, with all servers that have not answered yet. */
  readonly onWait: (missing: readonly Server[]) => void;
}): ServerWatch => {
  const { config, role, health, onWait } = options;
  const named = [eventStoreServer(config), mongodbServer(config), kafkaServer(config)];
  const servers = named.filter(
    (server) => server !== null && isUsed(config, role, server),
  ) as readonly Server[];
  const pings = new Map<Dependency, () => Promise<void>>();
  const reasons = new Map<Dependency, string>();
  let announced = false;

  const check = async (server: Server): Promise<void> => {
    const { name, setting, dependency, rights } = server;
    const effect = `${WITHOUT[dependency][role] ?? 'Nothing is done'} until it answers.`;
    const ping = pings.get(dependency);
    if (ping === undefined) {
      const why = reasons.get(dependency) ?? 'it has not answered yet';
      throw new UnavailableError(`Waiting for ${name} (${setting}): ${why}. ${effect}`);
    }
    try {
      await within(PING_MS, ping(), () => new UnavailableError(`No answer within ${PING_MS} ms.`));
    } catch (error) {
      if (!(error instanceof PortError)) throw error;
      const help = error.code === 'ACCESS_DENIED' ? rights : effect;
      throw new UnavailableError(`${name} (${setting}): ${error.message} ${help}`, {
        cause: error,
      });
    }
  };

  for (const server of servers) {
    const onlyDegradesHere = onlyDegrades(role, server);
    health.register(server.dependency, () => check(server), { onlyDegrades: onlyDegradesHere });
  }

  return {
    waits: (server, why) => {
      reasons.set(server.dependency, why);
      if (announced) return;
      announced = true;
      onWait(servers.filter((one) => !pings.has(one.dependency) && !onlyDegrades(role, one)));
    },
    connected: (dependency, ping) => {
      pings.set(dependency, ping);
      const isServer = servers.some((server) => server.dependency === dependency);
      if (!isServer) health.register(dependency, ping);
    },
  };
};
