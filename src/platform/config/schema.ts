import { serverSettings } from './server-settings.js';

/**
 * The one schema of all settings: what `anime-analytics config --help` prints. The variables of
 * OpenTelemetry (OTEL_*) are not among them: `telemetry.ts` says why.
 */
export const schema = {
  env: {
    doc: 'Selects config/<name>.json, the log format and how strict the checks of settings are.',
    format: ['development', 'production', 'test'],
    default: 'development',
    env: 'NODE_ENV',
  },
  host: {
    doc: 'The address that the HTTP servers listen on.',
    format: 'text',
    default: '127.0.0.1',
    env: 'HOST',
  },
  commandPort: {
    doc: 'Port of the command API; 0 takes a free one.',
    format: 'port',
    default: 8000,
    env: 'COMMAND_PORT',
  },
  commandUrl: {
    doc: "The command API's origin (http://... or https://...) as browsers reach it: pages link it, and the dashboard sends its demonstration commands there. Empty: the address of this process, if it has one.",
    format: 'origin',
    default: '',
    env: 'COMMAND_URL',
  },
  queryPort: {
    doc: 'Port of the GraphQL query API; 0 takes a free one.',
    format: 'port',
    default: 8001,
    env: 'QUERY_PORT',
  },
  bridgePort: {
    doc: 'Port of health and metrics of a bridge that runs alone; 0 takes a free one.',
    format: 'port',
    default: 8002,
    env: 'BRIDGE_PORT',
  },
  projectorPort: {
    doc: 'Port of health and metrics of a projector that runs alone; 0 takes a free one.',
    format: 'port',
    default: 8003,
    env: 'PROJECTOR_PORT',
  },
  dataDir: {
    doc: 'Where the embedded parts keep their data. One server at a time owns it.',
    format: 'text',
    default: '.data',
    env: 'DATA_DIR',
  },
  shutdownTimeoutMs: {
    doc: 'How long a stop may take to finish running work, in milliseconds.',
    format: 'positive-milliseconds',
    default: 25_000,
    env: 'SHUTDOWN_TIMEOUT_MS',
  },
  shutdownGraceMs: {
    doc: 'How long the service goes on accepting requests after SIGTERM or SIGHUP while /ready says 503, in milliseconds.',
    format: 'milliseconds',
    default: 0,
    env: 'SHUTDOWN_GRACE_MS',
  },
  keepAliveTimeoutMs: {
    doc: 'How long an idle connection is kept, in milliseconds: longer than the load balancer keeps it.',
    format: 'positive-milliseconds',
    default: 65_000,
    env: 'KEEP_ALIVE_TIMEOUT_MS',
  },
  ...serverSettings,
  projections: {
    doc: 'on: the role all deploys the projections of this service to the event store at its start, and /health and the metrics report them.',
    format: ['off', 'on'],
    default: 'off',
    env: 'PROJECTIONS',
  },
  log: {
    level: {
      doc: 'The lowest level that is logged.',
      format: ['debug', 'info', 'warn', 'error'],
      default: 'info',
      env: 'LOG_LEVEL',
    },
    dir: {
      doc: 'A directory for daily log files, kept for 14 days. Empty: standard error.',
      format: String,
      default: '',
      env: 'LOG_DIR',
    },
  },
  corsOrigins: {
    doc: 'Comma separated origins whose pages may call the APIs, credentials included. * allows all, outside production only.',
    format: 'origins',
    default: [] as string[],
    env: 'CORS_ORIGINS',
  },
  apiKeys: {
    doc: 'Comma separated keys; when set, commands and catalogue need one (Authorization: Bearer, or X-Api-Key).',
    format: 'list',
    default: [] as string[],
    env: 'API_KEYS',
    sensitive: true,
  },
  readerApiKeys: {
    doc: 'Comma separated keys that only read: the events of an anime, userInteractions, pipeline, stream, log, live events and /metrics. Only beside API_KEYS, whose keys read as well.',
    format: 'list',
    default: [] as string[],
    env: 'READER_API_KEYS',
    sensitive: true,
  },
  userIds: {
    protection: {
      doc: 'How new events hold user ids: off, in plain text; encrypt, under a key of each user, so that a person can be erased. encrypt needs USER_ID_MASTER_KEY.',
      format: ['off', 'encrypt'],
      default: 'off',
      env: 'USER_ID_PROTECTION',
    },
    masterKey: {
      doc: 'The key that opens the key store: 32 bytes in base64 (openssl rand -base64 32). Without it nobody whose user id is encrypted can be found again.',
      format: String,
      default: '',
      env: 'USER_ID_MASTER_KEY',
      sensitive: true,
    },
    keyStore: {
      doc: 'new: go on with a new key store where that of the log is lost, which forgets everybody. auto: refuse that.',
      format: ['auto', 'new'],
      default: 'auto',
      env: 'USER_ID_KEY_STORE',
    },
    previousMasterKey: {
      doc: 'The master key before USER_ID_MASTER_KEY, for one start: the key store is opened with it and closed with the new one.',
      format: String,
      default: '',
      env: 'USER_ID_MASTER_KEY_PREVIOUS',
      sensitive: true,
    },
  },
  eventQueries: {
    doc: 'Whether the GraphQL queries stream and log show stored events, to readers where API_KEYS are set. auto: outside production only.',
    format: ['auto', 'on', 'off'],
    default: 'auto',
    env: 'EVENT_QUERIES',
  },
  allowAnonymous: {
    doc: 'Allows production without API_KEYS beyond the loopback: for a service behind something that authenticates.',
    format: 'boolean',
    default: false,
    env: 'ALLOW_ANONYMOUS',
  },
  allowedHosts: {
    doc: 'Comma separated hosts that requests may name, beside addresses and localhost; .example.com for all below it, * for any. Empty: any, but none on the loopback without API_KEYS and TRUST_PROXY.',
    format: 'hosts',
    default: [] as string[],
    env: 'ALLOWED_HOSTS',
  },
  maxConnectionsPerAddress: {
    doc: 'Connections to each port from one address, or one IPv6 network of 56 bits; 0 = no limit. Not counted with TRUST_PROXY.',
    format: 'nat',
    default: 2500,
    env: 'MAX_CONNECTIONS_PER_ADDRESS',
  },
  rateLimitPerMinute: {
    doc: 'Requests per client address and minute; 0 = no limit.',
    format: 'nat',
    default: 0,
    env: 'RATE_LIMIT_PER_MINUTE',
  },
  maxSubscriptions: {
    doc: 'GraphQL subscriptions open at the same time in one process; further ones get 503.',
    format: 'nat',
    default: 200,
    env: 'MAX_SUBSCRIPTIONS',
  },
  trustProxy: {
    doc: 'Which reverse proxies stand in front, as in Express: how many, or their addresses; decides which address is the client, and whether X-Forwarded-Prefix counts.',
    format: 'trusted-proxies',
    default: 0 as number | boolean | string[],
    env: 'TRUST_PROXY',
  },
  allowInsecure: {
    doc: 'Allows production to connect to its servers without TLS: for a private network only.',
    format: 'boolean',
    default: false,
    env: 'ALLOW_INSECURE',
  },
  peers: {
    addresses: {
      doc: 'Comma separated host:port, each the PEER_PORT of command APIs on the same event store, this one included or not; a host name may stand for several. They share commands: each anime is handled by one of them. Empty: each command API handles what it gets.',
      format: 'addresses',
      default: [] as string[],
      env: 'PEERS',
    },
    port: {
      doc: 'Where other command APIs reach this one, on HOST; opened where PEERS is set.',
      format: 'port',
      default: 8004,
      env: 'PEER_PORT',
    },
    key: {
      doc: 'The key that command APIs prove to each other that they have; all need the same. Nothing else is encrypted: use a private network.',
      format: String,
      default: '',
      env: 'PEER_KEY',
      sensitive: true,
    },
  },
  commands: {
    cachedAnimes: {
      doc: 'How many anime the command side caches.',
      format: 'positive',
      default: 10_000,
      env: 'COMMANDS_CACHED_ANIMES',
    },
    rememberedKeys: {
      doc: 'How many commands with an Idempotency-Key are remembered per anime, 1000 to 4096.',
      format: 'remembered-keys',
      default: 4096,
      env: 'COMMANDS_REMEMBERED_KEYS',
    },
    snapshotEvery: {
      doc: 'A snapshot of an anime is written after this many events.',
      format: 'positive',
      default: 250,
      env: 'COMMANDS_SNAPSHOT_EVERY',
    },
  },
};
