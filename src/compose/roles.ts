import { ConfigError, type Config } from '../platform/config/config.js';

export const ROLES = ['all', 'command-api', 'bridge', 'projector', 'query-api'] as const;
export type Role = (typeof ROLES)[number];

type Part = Exclude<Role, 'all'>;

/** The servers through which each role meets the roles of other processes. */
const SHARED: Readonly<Record<Part, readonly Variable[]>> = {
  'command-api': ['EVENTSTORE_URL'],
  bridge: ['EVENTSTORE_URL', 'KAFKA_BROKERS'],
  projector: ['EVENTSTORE_URL', 'KAFKA_BROKERS', 'MONGODB_URL'],
  'query-api': ['MONGODB_URL'],
};

type Variable = 'EVENTSTORE_URL' | 'KAFKA_BROKERS' | 'MONGODB_URL';

const LOOPBACK = /^(127(\.\d+){3}|::1|localhost)$/i;

const isLoopback = (host: string): boolean => LOOPBACK.test(host);

/** Refuses production that would take commands from everybody on the network. */
export const refuseAnonymous = ({ env, host, apiKeys, allowAnonymous }: Config): void => {
  if (env !== 'production' || apiKeys.length > 0 || allowAnonymous || isLoopback(host)) return;
  throw new ConfigError(
    `API_KEYS: production on HOST=${host} would serve everybody. Set API_KEYS, or HOST=127.0.0.1, or ALLOW_ANONYMOUS=true where something in front asks who it is.`,
  );
};

/**
 * Undefined allows any host. On the loopback without keys only pages in a local browser are a threat, and
 * those send a host name of their own (DNS rebinding). A proxy in front forwards the names that it serves.
 */
export const allowedHosts = (config: Config): readonly string[] | undefined => {
  const { allowedHosts: given, apiKeys, host } = config;
  if (given.includes('*')) return undefined;
  if (given.length > 0) return [...given, host];
  return apiKeys.length === 0 && isLoopback(host) && !isBehindProxy(config) ? [host] : undefined;
};

export const isBehindProxy = ({ trustProxy }: Config): boolean => trustProxy !== 0;

/** Whether queries may show stored events. */
export const showsEvents = ({ env, eventQueries }: Config): boolean =>
  eventQueries === 'on' || (eventQueries === 'auto' && env !== 'production');

/** Refuses a single role with an embedded part, which no other process could reach. */
export const requireSharedServers = (role: Role, config: Config): void => {
  if (role === 'all') return;
  const given: Readonly<Record<Variable, boolean>> = {
    EVENTSTORE_URL: config.eventStore.url !== '',
    KAFKA_BROKERS: config.kafka.brokers.length > 0,
    MONGODB_URL: config.mongodb.url !== '',
  };
  // Where user ids are encrypted, the command APIs and the query APIs share the key store.
  const keys: readonly Variable[] =
    role === 'command-api' && config.userIds.masterKey !== '' ? ['MONGODB_URL'] : [];
  const missing = [...SHARED[role], ...keys].filter((variable) => !given[variable]);
  if (missing.length === 0) return;
  throw new ConfigError(
    `${missing.join(', ')}: the role ${role} alone shares these with other processes; set them, or serve all.`,
  );
};
