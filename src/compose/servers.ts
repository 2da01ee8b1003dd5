import { statSync } from 'node:fs';
import { type Config, ConfigError } from '../platform/config/config.js';
import { hostsOf } from '../platform/config/server-settings.js';
import { probe, type Endpoint } from '../platform/probe.js';
import { type Logger, silentLogger } from '../platform/observability/logger.js';
import { messageOf } from '../ports/errors.js';

/** A server behind this process, as messages describe it. */
export interface Server {
  /** The dependency's name in `/health`. */
  readonly dependency: 'event-store' | 'kafka' | 'read-store';
  readonly name: string;
  /** Its hosts, without credentials. */
  readonly at: string;
  /** The setting with its address. */
  readonly setting: string;
  /** The rights that its user needs. */
  readonly rights: string;
  /** What to check where it can be reached and still fails. */
  readonly hint?: string;
  /** Resolves with why it cannot be reached; rejects with a ConfigError where a setting is wrong. */
  readonly findFault: () => Promise<string>;
}

/** Null where the embedded part is used. */
export const eventStoreServer = ({ eventStore: { url } }: Config): Server | null =>
  url === ''
    ? null
    : serverOf({
        dependency: 'event-store',
        name: 'EventStoreDB',
        setting: 'EVENTSTORE_URL',
        at: hostsOf(url),
        rights:
          'User and password stand in the address as esdb://user:password@host:2113, percent-encoded; ' +
          'the roles all, bridge and projector need a user of the group $admins, since they read $all.',
        tlsSetting: 'tls in EVENTSTORE_URL',
        caSetting: 'tlsCaFile in EVENTSTORE_URL',
        endpoints: async () => {
          const { eventStoreEndpoints } = await import('../adapters/eventstoredb/connection.js');
          return eventStoreEndpoints(url);
        },
      });

export const kafkaServer = ({ kafka }: Config): Server | null =>
  kafka.brokers.length === 0
    ? null
    : serverOf({
        dependency: 'kafka',
        name: 'Kafka',
        setting: 'KAFKA_BROKERS',
        at: kafka.brokers.join(','),
        rights:
          `The user of KAFKA_SASL_MECHANISM, KAFKA_USERNAME and KAFKA_PASSWORD needs CREATE, READ and ` +
          `WRITE on the topics ${kafka.topic} and ${kafka.topic}.dlq, and READ on the groups that begin ` +
          `with ${kafka.group}-; docs/stack.md lists all rights.`,
        tlsSetting: 'KAFKA_TLS',
        caSetting: 'the tlsCaFile of Kafka, KAFKA_TLS_CA_FILE',
        endpoints: async () => {
          const { kafkaEndpoints } = await import('../adapters/kafka/client.js');
          return kafkaEndpoints(kafkaConnection(kafka, silentLogger()));
        },
        ...(kafka.saslMechanism === ''
          ? { hint: 'Does it require a login? KAFKA_SASL_MECHANISM is empty.' }
          : {}),
      });

export const mongodbServer = ({ mongodb: { url, database } }: Config): Server | null =>
  url === ''
    ? null
    : serverOf({
        dependency: 'read-store',
        name: 'MongoDB',
        setting: 'MONGODB_URL',
        at: hostsOf(url),
        rights:
          'User and password stand in the address as mongodb://user:password@host:27017/?authSource=admin, ' +
          `percent-encoded; the roles all and projector need readWrite on the database ${database}, ` +
          'query-api needs read.',
        tlsSetting: 'tls in MONGODB_URL',
        caSetting: 'tlsCAFile in MONGODB_URL',
        endpoints: async () => {
          const { mongodbEndpoints } = await import('../adapters/mongodb/connection.js');
          return mongodbEndpoints(url);
        },
      });

interface ServerDescription extends Omit<Server, 'findFault'> {
  readonly tlsSetting: string;
  readonly caSetting: string;
  /** Loads the client library, which is needed only where there is such a server. */
  readonly endpoints: () => Promise<readonly Endpoint[]>;
}

const serverOf = (description: ServerDescription): Server => ({
  ...description,
  findFault: () => findFault(description),
});

const findFault = async (description: ServerDescription): Promise<string> => {
  const { name, setting, tlsSetting, caSetting, endpoints: lines } = description;
  const refuse = (where: string, what: string): never => {
    throw new ConfigError(`${setting}: ${name} at ${where} ${what}`);
  };
  const found: string[] = [];
  const all = await endpointsOf(setting, lines);
  for (const line of all) {
    const where = `${line.host}:${line.port}`;
    const finding = await probe(line);
    switch (finding.kind) {
      case 'speaks-tls':
        return refuse(where, `expects TLS, and the settings turn it off (${tlsSetting}).`);
      case 'speaks-no-tls':
        return refuse(where, `speaks no TLS, and the settings turn it on (${tlsSetting}).`);
      case 'certificate':
        return refuse(
          where,
          `has a certificate that cannot be verified: ${finding.why}. Name the file of the ` +
            `authority that signed it (${caSetting}), and a host that the certificate names.`,
        );
      case 'unreachable':
        found.push(all.length === 1 ? finding.why : `${where}: ${finding.why}`);
        break;
      case 'fine':
    }
  }
  return found.join('; ');
};

/** Reads the files that the settings name, which may fail. */
const endpointsOf = async (
  setting: string,
  lines: ServerDescription['endpoints'],
): Promise<readonly Endpoint[]> => {
  try {
    return await lines();
  } catch (error) {
    throw new ConfigError(`${setting}: ${messageOf(error)}`);
  }
};

/** The connection options of every Kafka client. */
export const kafkaConnection = (kafka: Config['kafka'], logger: Logger) => {
  const { brokers, tls, tlsCaFile: caFile, saslMechanism: mechanism, username, password } = kafka;
  if (tls && caFile !== '' && statSync(caFile, { throwIfNoEntry: false })?.isFile() !== true) {
    throw new ConfigError(`KAFKA_TLS_CA_FILE: there is no file ${caFile}.`);
  }
  return {
    brokers,
    logger,
    ...(tls ? { tls: { caFile } } : {}),
    ...(isMechanism(mechanism) ? { sasl: { mechanism, username, password } } : {}),
  };
};

const MECHANISMS = ['plain', 'scram-sha-256', 'scram-sha-512'] as const;

const isMechanism = (name: string): name is (typeof MECHANISMS)[number] =>
  (MECHANISMS as readonly string[]).includes(name);
