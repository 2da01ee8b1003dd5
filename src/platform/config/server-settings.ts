/** The settings of the three servers; an empty address stands for the embedded part. */
export const serverSettings = {
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
    uiUrl: {
      doc: "Address (http://... or https://...) of the event store's own pages, for browsers: the dashboard links it. Empty: no link.",
      format: 'page-url',
      default: '',
      env: 'EVENTSTORE_UI_URL',
    },
    appendTimeoutMs: {
      doc: 'How long one append to a server may take before its outcome counts as unknown, in milliseconds.',
      format: 'positive-milliseconds',
      default: 4000,
      env: 'EVENTSTORE_APPEND_TIMEOUT_MS',
    },
    watchProjections: {
      doc: 'Whether /health and the metrics report the state of our projections, also where this process does not deploy them. On a server this needs its projection engine, and a user who may read it.',
      format: 'boolean',
      default: false,
      env: 'PROJECTIONS_WATCH',
    },
  },
  kafka: {
    brokers: {
      doc: 'Comma separated host:port of Kafka brokers. Empty: the in-process bus.',
      format: 'addresses',
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
    minInSyncReplicas: {
      doc: "Replicas that must have a record before it counts as published, when the topic is created; 0 = the broker's default.",
      format: 'nat',
      default: 0,
      env: 'KAFKA_MIN_INSYNC_REPLICAS',
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

/*
 * Parses connection strings strictly: an unencoded special character in a password could turn a piece
 * of it into the host, the database or a setting, which messages show.
 */
const PORT = String.raw`(?:[1-9]\d{0,3}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d\d|655[0-2]\d|6553[0-5])`;
const HOST = String.raw`(?:[\p{L}\p{N}._%-]+|\[[\dA-Fa-f:.]+\])(?::${PORT})?`;
const HOSTS = `${HOST}(?:,${HOST})*`;

const EVENT_STORE = new RegExp(
  String.raw`^(?:esdb|kurrent(?:db)?)(?:\+discover)?://(?:[^\s:@?]+:[^\s:@?]+@)?${HOSTS}/*(?:\?[^@]*)?$`,
  'u',
);
const MONGODB = new RegExp(
  String.raw`^mongodb(?:\+srv)?://(?:[^\s:/?#[\]@]+(?::[^\s:/?#[\]@]*)?@)?${HOSTS}(?:/[^\s/@?]*)?(?:\?[^@]*)?$`,
  'u',
);

/** Whether a connection string of an EventStoreDB or KurrentDB server can be read in one way only. */
export const isEventStoreAddress = (text: string): boolean =>
  EVENT_STORE.test(text) && isDecodable(text);

/** Whether a connection string of a MongoDB server can be read in one way only. */
export const isMongodbAddress = (text: string): boolean => MONGODB.test(text) && isDecodable(text);

/** A literal per cent sign must be encoded, too. */
const isDecodable = (text: string): boolean => {
  try {
    decodeURIComponent(text.replace(/\?.*/s, ''));
    return true;
  } catch {
    return false;
  }
};

/** The longest time of a Node timer; a longer one fires at once. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

const NUMERIC_SETTING =
  /(?:ms|timeout|deadline|interval|attempts|poolsize|buffersize|compressionlevel|srvmaxhosts|maxconnecting|stalenessseconds|adaptiveretries|proxyport)$/i;

/**
 * The first setting whose number a driver would misread: 25s as 25, 1e3 as 1, and any time that no
 * timer can hold as none.
 */
export const unusableNumberIn = (address: string): string | undefined =>
  [...address.matchAll(/[?&]([^=&?]+)=([^&?]*)/g)].find(
    ([, name = '', value = '']) =>
      NUMERIC_SETTING.test(name.replace(/[_\-\s]/g, '')) &&
      !(/^\s*-?\d+\s*$/.test(value) && Number(value) <= MAX_TIMER_MS),
  )?.[1];

/** With 0 no call could be answered in time; elsewhere in an address 0 turns something off. */
const NO_ZERO = /[?&](defaultdeadline|gossiptimeout|serverselectiontimeoutms)=\s*0+\s*(?:&|$)/i;

/** The first setting whose time may not be 0. */
export const zeroTimeIn = (address: string): string | undefined => NO_ZERO.exec(address)?.[1];

const CONNECTION_STRING = /^([a-z]+(?:\+[a-z]+)?:\/\/)(?:([^/?#]*)@)?([^@/?#]*)([/?#][^@]*)?$/i;
const SHOWN_HOSTS = new RegExp(`^${HOSTS}$`, 'u');

/** The scheme and the hosts of an address, or stars alone where they cannot be told from a password. */
export const withoutSecrets = (address: string): string => {
  const [, scheme = '', credentials, hosts = '', settings] = CONNECTION_STRING.exec(address) ?? [];
  if (!SHOWN_HOSTS.test(hosts)) return '***';
  const hidden = credentials === undefined ? '' : '***@';
  return `${scheme}${hidden}${hosts}${settings === undefined ? '' : '/***'}`;
};

/** The scheme and the hosts alone. */
export const hostsOf = (address: string): string => {
  const [, scheme = '', , hosts = ''] = CONNECTION_STRING.exec(address.trim()) ?? [];
  return SHOWN_HOSTS.test(hosts) ? `${scheme}${hosts}` : '***';
};
