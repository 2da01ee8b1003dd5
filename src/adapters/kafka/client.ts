import { readFileSync } from 'node:fs';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import kafkajs from 'kafkajs';
import { Kafka, type KafkaConfig, type LogEntry, logLevel } from 'kafkajs';
import { within } from '../../platform/async/abort.js';
import type { Logger } from '../../platform/observability/logger.js';
import type { Endpoint } from '../../platform/probe.js';
import { PortError, TooLargeError, UnavailableError } from '../../ports/errors.js';

// At run time the error classes are properties of the default export alone.
const { KafkaJSAggregateError, KafkaJSError, KafkaJSNotImplemented } = kafkajs;

/** The port's error for a failure of kafkajs. Bugs are returned unchanged. */
export const busError = (error: unknown): unknown => {
  if (error instanceof PortError) return error;
  const cause = originOf(error);
  if (!(cause instanceof KafkaJSError)) return cause;
  const type = brokerErrorOf(cause);
  const options = { cause, context: { type: type ?? cause.name, detail: cause.message } };
  if (type !== undefined && SIZE_ERRORS.includes(type)) {
    return new TooLargeError('A record is larger than Kafka takes.', options);
  }
  if (
    type?.endsWith('_AUTHORIZATION_FAILED') === true ||
    ACCESS_ERRORS.includes(type ?? cause.name)
  ) {
    return new PortError('ACCESS_DENIED', 'Kafka denies access.', false, options);
  }
  if (NOT_SUPPORTED.includes(type ?? cause.name)) {
    return new PortError('NOT_SUPPORTED', 'Kafka refuses the request.', false, options);
  }
  if (type === undefined && MISUSE.includes(cause.name)) return cause;
  return new UnavailableError('Kafka does not answer as it should.', options);
};

export const busClosed = () => new UnavailableError('The bus is closed.');

export const isUnknownTopic = (error: unknown): boolean =>
  brokerErrorOf(originOf(error)) === 'UNKNOWN_TOPIC_OR_PARTITION';

/** Records that this client can never read: a new consumer would fail in the same way. */
export const isHopeless = (error: unknown): boolean =>
  originOf(error) instanceof KafkaJSNotImplemented;

const SIZE_ERRORS: readonly string[] = ['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE'];
const ACCESS_ERRORS: readonly string[] = [
  'KafkaJSSASLAuthenticationError',
  'SASL_AUTHENTICATION_FAILED',
  'ILLEGAL_SASL_STATE',
  'UNSUPPORTED_SASL_MECHANISM',
  'SECURITY_DISABLED',
];
const NOT_SUPPORTED: readonly string[] = [
  'INVALID_TOPIC_EXCEPTION',
  'INVALID_PARTITIONS',
  'INVALID_CONFIG',
  'POLICY_VIOLATION',
  'UNSUPPORTED_VERSION',
  'UNSUPPORTED_COMPRESSION_TYPE',
  'UNSUPPORTED_FOR_MESSAGE_FORMAT',
  'KafkaJSNotImplemented',
  'KafkaJSServerDoesNotSupportApiKey',
];
/** Invalid arguments, and violated invariants of kafkajs itself. */
const MISUSE: readonly string[] = ['KafkaJSNonRetriableError', 'KafkaJSInvariantViolation'];

/** kafkajs wraps every error in errors of its own, even a TypeError that it did not retry. */
const originOf = (error: unknown): unknown => {
  if (error instanceof KafkaJSAggregateError) return originOf(error.errors[0]);
  if (!(error instanceof KafkaJSError)) return error;
  const { cause } = error as { readonly cause?: unknown };
  return cause instanceof Error ? originOf(cause) : error;
};

/** The broker's own name for it. */
const brokerErrorOf = (error: unknown): string | undefined => {
  const { type } = (error ?? {}) as { readonly type?: unknown };
  return typeof type === 'string' ? type : undefined;
};

export interface ConnectionSettings {
  /** host:port of some of the brokers; the others are found through them. */
  readonly brokers: readonly string[];
  /** Absent: no TLS. An empty object verifies the brokers against the certificates of Node. */
  readonly tls?: { readonly caFile?: string };
  readonly sasl?: {
    readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
    readonly username: string;
    readonly password: string;
  };
  readonly logger: Logger;
  /** How long a client may take to disconnect before its connections are cut. */
  readonly closeTimeoutMs?: number;
}

/** One client of kafkajs with connections of its own. */
export interface KafkaClient {
  readonly kafka: Kafka;
  /** Destroys its connections: pending requests fail, and nothing more is sent. */
  cut(): void;
  /** Disconnects within a deadline, because disconnecting can hang, then cuts the connections. */
  close(disconnect: () => Promise<void>): Promise<void>;
}

export type Connect = () => KafkaClient;

const CONNECTION_TIMEOUT_MS = 3_000;
const REQUEST_TIMEOUT_MS = 10_000;

/** Short, because every caller has a backoff and a deadline of its own. */
export const CLIENT_RETRY = {
  retries: 6,
  initialRetryTime: 100,
  maxRetryTime: 1_000,
  factor: 0.2,
  multiplier: 2,
};

/**
 * Makes clients, one per producer, consumer and administrator: kafkajs shares committed offsets
 * among the consumers of one client, and only with sockets of its own can one be cut off alone.
 */
export const clientFactory = ({
  brokers,
  tls,
  sasl,
  logger,
  closeTimeoutMs = 5_000,
}: ConnectionSettings): Connect => {
  const ssl = tls === undefined ? undefined : tlsOptions(tls);
  return () => {
    const sockets = new Set<Socket>();
    let cut = false;

    const socketFactory: KafkaConfig['socketFactory'] = ({ host, port, onConnect }) => {
      if (cut) throw new Error('The client was closed.');
      const to = { host, port, noDelay: true, keepAlive: true };
      const name = isIP(host) === 0 ? { servername: host } : {};
      const socket =
        ssl === undefined
          ? connectTcp(to, onConnect)
          : connectTls({ ...to, ...name, ...ssl }, onConnect);
      sockets.add(socket);
      return socket.on('close', () => sockets.delete(socket));
    };

    const cutOff = (): void => {
      cut = true;
      for (const socket of sockets) {
        // Without an error kafkajs does not notice and waits for responses.
        socket.destroy(socket.writableEnded ? undefined : new Error('The client was closed.'));
      }
    };

    const log = ({ namespace, level, log: entry }: LogEntry): void => {
      if (cut) return;
      const { message: detail, error, broker, groupId, retryCount } = entry as LogData;
      const data = { namespace, detail, error, broker, groupId, retryCount };
      // kafkajs logs attempts that it retries as errors.
      const write = level === logLevel.ERROR ? logger.warn : logger.debug;
      write('The Kafka client reports a problem', data);
    };

    const kafka = new Kafka({
      brokers: [...brokers],
      clientId: 'anime-analytics',
      ...(ssl === undefined ? {} : { ssl }),
      ...(sasl === undefined ? {} : { sasl: sasl as NonNullable<KafkaConfig['sasl']> }),
      connectionTimeout: CONNECTION_TIMEOUT_MS,
      authenticationTimeout: REQUEST_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      retry: CLIENT_RETRY,
      socketFactory,
      logLevel: logLevel.WARN,
      logCreator: () => log,
    });

    return {
      kafka,
      cut: cutOff,
      close: async (disconnect) => {
        const late = () => new Error('The client did not disconnect in time.');
        await within(closeTimeoutMs, disconnect(), late).catch((error: unknown) => {
          logger.debug('A Kafka client was cut off', { error });
        });
        cutOff();
      },
    };
  };
};

/** The brokers that the settings name. */
export const kafkaEndpoints = ({
  brokers,
  tls,
}: Pick<ConnectionSettings, 'brokers' | 'tls'>): readonly Endpoint[] => {
  const ssl = tls === undefined ? {} : { tls: tlsOptions(tls) };
  return brokers.map((broker) => {
    const colon = broker.lastIndexOf(':');
    const host = broker.slice(0, colon).replace(/^\[(.*)\]$/, '$1');
    return { host, port: Number(broker.slice(colon + 1)), hello: API_VERSIONS, ...ssl };
  });
};

/** The only request that a broker accepts before a login: which requests it supports. */
const API_VERSIONS = Buffer.from([0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 0xff, 0xff]);

const tlsOptions = ({ caFile = '' }: { readonly caFile?: string }): ConnectionOptions =>
  caFile === '' ? {} : { ca: readFileSync(caFile) };

interface LogData {
  readonly message: string;
  readonly error?: unknown;
  readonly broker?: unknown;
  readonly groupId?: unknown;
  readonly retryCount?: unknown;
}
