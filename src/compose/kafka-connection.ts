import { statSync } from 'node:fs';
import { ConfigError, type Config } from '../platform/config/config.js';
import type { Logger } from '../platform/observability/logger.js';

/** How the brokers are reached, for everything that speaks to them. */
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
