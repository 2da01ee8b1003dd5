/** The settings of the three servers; an empty address stands for the embedded part. */
const servers = {
  eventStore: {
    url: {
      doc: 'Connection string (esdb://...) of an EventStoreDB or KurrentDB server. Empty: the embedded event store.',
      format: 'event-store-url',
      default: '',
      env: 'EVENTSTORE_URL',
      sensitive: true,
    },
    port: {
      doc: "Port of the embedded event store's gRPC server, on 127.0.0.1 only; 0 = off.",
      format: 'port',
      default: 2113,
      env: 'EVENTSTORE_PORT',
    },
    appendTimeoutMs: {
      doc: 'How long one append to a server may take before its outcome counts as unknown, in milliseconds.',
      format: 'milliseconds',
      default: 4000,
      env: 'EVENTSTORE_APPEND_TIMEOUT_MS',
    },
    watchProjections: {
      doc: 'Whether /health and the metrics report the state of our projections on a server. Needs its projection engine, and a user who may read it.',
      format: 'boolean',
      default: false,
      env: 'PROJECTIONS_WATCH',
    },
  },
  kafka: {
    brokers: {
      doc: 'Comma separated host:port of Kafka brokers. Empty: the in-process bus.',
      format: 'brokers',
      default: [] as string[],
      env: 'KAFKA_BROKERS',
    },
    topic: {
      doc: 'The topic that carries the events.',
      format: 'kafka-topic',
      default: 'anime-events',
      env: 'KAFKA_TOPIC',
    },
    group: {
      doc: 'The consumer group of the projector; the version and the identity of the read models are appended.',
      format: 'kafka-group',
      default: 'anime-read-model',
      env: 'KAFKA_GROUP',
    },
    partitions: {
      doc: 'Partitions of the topic when it is created. Changing them needs a new topic and a rebuild.',
      format: 'positive',
      default: 6,
      env: 'KAFKA_PARTITIONS',
    },
    replicationFactor: {
      doc: "Replicas of each partition when the topic is created; 0 = the broker's default.",
      format: 'nat',
      default: 0,
      env: 'KAFKA_REPLICATION_FACTOR',
    },
    tls: {
      doc: 'Whether the brokers are reached over TLS, with their certificates verified.',
      format: 'boolean',
      default: false,
      env: 'KAFKA_TLS',
    },
    tlsCaFile: {
      doc: "A file with the certificates that the brokers' are verified against. Empty: Node's own.",
      format: String,
      default: '',
      env: 'KAFKA_TLS_CA_FILE',
    },
    saslMechanism: {
      doc: 'How to log in to the brokers. Empty: not at all.',
      format: ['', 'plain', 'scram-sha-256', 'scram-sha-512'],
      default: '',
      env: 'KAFKA_SASL_MECHANISM',
    },
    username: {
      doc: 'The name to log in to the brokers with.',
      format: String,
      default: '',
      env: 'KAFKA_USERNAME',
    },
    password: {
      doc: 'The password to log in to the brokers with.',
      format: String,
      default: '',
      env: 'KAFKA_PASSWORD',
      sensitive: true,
    },
  },
  mongodb: {
    url: {
      doc: 'Connection string (mongodb://...) of the read store. Empty: the embedded read store.',
      format: 'mongodb-url',
      default: '',
      env: 'MONGODB_URL',
      sensitive: true,
    },
    database: {
      doc: 'The database of the read models, at most 63 bytes.',
      format: 'mongodb-database',
      default: 'anime_analytics',
      env: 'MONGODB_DATABASE',
    },
    readPreference: {
      doc: 'Which members of a replica set answer queries. The projector always reads the primary.',
      format: ['primary', 'primaryPreferred', 'secondary', 'secondaryPreferred', 'nearest'],
      default: 'primary',
      env: 'MONGODB_READ_PREFERENCE',
    },
    timeoutMs: {
      doc: 'How long one operation may take, server selection included, in milliseconds.',
      format: 'positive-milliseconds',
      default: 10_000,
      env: 'MONGODB_TIMEOUT_MS',
    },
  },
};

/** The one schema of all settings: what `anime-analytics config --help` prints. */
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
    format: 'milliseconds',
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
  ...servers,
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
    doc: 'Comma separated keys that only read: the events of an anime, userInteractions and /metrics. Only beside API_KEYS, whose keys read as well.',
    format: 'list',
    default: [] as string[],
    env: 'READER_API_KEYS',
    sensitive: true,
  },
  allowAnonymous: {
    doc: 'Allows production without API_KEYS beyond the loopback: for a service behind something that authenticates.',
    format: 'boolean',
    default: false,
    env: 'ALLOW_ANONYMOUS',
  },
  rateLimitPerMinute: {
    doc: 'Requests per client address and minute; 0 = no limit.',
    format: 'nat',
    default: 0,
    env: 'RATE_LIMIT_PER_MINUTE',
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
