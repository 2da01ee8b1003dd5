import { existsSync, readFileSync } from 'node:fs';
import convict from 'convict';
import { parse } from 'dotenv';
import { distance } from 'fastest-levenshtein';
import { messageOf } from '../../ports/errors.js';
import { PACKAGE_ROOT } from '../package.js';
import './formats.js';
import { settings, withVariables } from './help.js';
import { schema } from './schema.js';

const KEY = /^[\w+/-]{43}=?$/;

/** The 32 bytes of a key in base64; undefined where the text is something else. */
export const masterKeyIn = (text: string): Uint8Array | undefined =>
  KEY.test(text) ? Buffer.from(text, 'base64') : undefined;

/** A setting is missing, mistyped, unknown or unsafe. The message names it and says what to do. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

const parseSettings = (environment: NodeJS.ProcessEnv) => {
  const config = convict(schema, { env: environment, args: [] });
  const file = `${PACKAGE_ROOT}config/${config.get('env')}.json`;
  if (existsSync(file)) config.loadFile(file);
  config.validate({ allowed: 'strict' });
  return config;
};

/** The effective settings; the environment wins over config/<NODE_ENV>.json over the defaults. */
export type Config = ReturnType<ReturnType<typeof parseSettings>['getProperties']>;

/** Reads and checks all settings, or throws a ConfigError that names the wrong one. */
export const loadConfig = (environment: NodeJS.ProcessEnv): Config => {
  try {
    const config = parseSettings(environment).getProperties();
    refuseIncomplete(config);
    if (config.env === 'production') refuseUnsafeInProduction(config);
    return config;
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw new ConfigError(withVariables(messageOf(error)));
  }
};

/** Refuses settings that need another one. */
const refuseIncomplete = (config: Config): void => {
  const { kafka, apiKeys, readerApiKeys, peers, eventStore, projections } = config;
  if (projections === 'on' && eventStore.url === '' && eventStore.port === 0) {
    throw new ConfigError(
      'PROJECTIONS: without its port the embedded event store runs no projections; set EVENTSTORE_PORT too.',
    );
  }
  refuseWrongMasterKeys(config);
  if (peers.addresses.length > 0 && peers.key === '') {
    throw new ConfigError(
      'PEERS: command APIs share commands only with those that have the same PEER_KEY; set it too.',
    );
  }
  if (readerApiKeys.length > 0 && apiKeys.length === 0) {
    throw new ConfigError(
      'READER_API_KEYS: keys for readers only would leave commands open to everybody; set API_KEYS too.',
    );
  }
  if (kafka.saslMechanism !== '' && (kafka.username === '' || kafka.password === '')) {
    throw new ConfigError(
      'KAFKA_SASL_MECHANISM: to log in, KAFKA_USERNAME and KAFKA_PASSWORD are needed too.',
    );
  }
};

/** Not a format of the schema: its message would repeat the key. */
const refuseWrongMasterKeys = ({ userIds }: Config): void => {
  const { protection, masterKey, previousMasterKey } = userIds;
  for (const [name, text] of [
    ['USER_ID_MASTER_KEY', masterKey],
    ['USER_ID_MASTER_KEY_PREVIOUS', previousMasterKey],
  ] as const) {
    if (text === '' || masterKeyIn(text) !== undefined) continue;
    throw new ConfigError(
      `${name}: must be 32 bytes in base64, as openssl rand -base64 32 prints.`,
    );
  }
  if (masterKey !== '') return;
  if (protection === 'encrypt') {
    throw new ConfigError(
      'USER_ID_PROTECTION: encrypt needs the key that opens the key store; set USER_ID_MASTER_KEY.',
    );
  }
  if (previousMasterKey !== '') {
    throw new ConfigError(
      'USER_ID_MASTER_KEY_PREVIOUS: it is replaced by another key; set USER_ID_MASTER_KEY too.',
    );
  }
};

const DEFAULT_PASSWORDS = /:\/\/[^@/]*:(changeit|admin|password|secret)@/i;
const DEFAULT_PASSWORD = /^(changeit|admin|password|secret)$/i;

const refuseUnsafeInProduction = (config: Config): void => {
  const refuse = (key: string, why: string): never => {
    throw new ConfigError(`${key}: ${why}`);
  };
  if (config.corsOrigins.includes('*')) {
    refuse('CORS_ORIGINS', 'an open CORS policy is refused in production; list the origins.');
  }
  if (config.apiKeys.some((key) => key.length < 16)) {
    refuse('API_KEYS', 'a key in production has at least 16 characters.');
  }
  if (config.peers.key !== '' && config.peers.key.length < 16) {
    refuse('PEER_KEY', 'a key in production has at least 16 characters.');
  }
  if (config.readerApiKeys.some((key) => key.length < 16)) {
    refuse('READER_API_KEYS', 'a key in production has at least 16 characters.');
  }
  if (config.trustProxy === true) {
    refuse(
      'TRUST_PROXY',
      'all proxies are trusted: clients choose their own address, which is refused in production; give the number of proxies or their addresses.',
    );
  }
  for (const [key, url] of [
    ['EVENTSTORE_URL', config.eventStore.url],
    ['MONGODB_URL', config.mongodb.url],
  ] as const) {
    if (DEFAULT_PASSWORDS.test(url)) refuse(key, 'a default password is refused in production.');
    if (!config.allowInsecure && INSECURE_SETTINGS.test(url)) {
      refuse(key, INSECURE);
    }
  }
  refuseUnsafeServers(config, refuse);
};

const INSECURE_SETTINGS =
  /(tls|ssl|tlsVerifyCert)\s*=\s*false|tls(Insecure|AllowInvalid\w+)\s*=\s*true/i;
const INSECURE = 'an insecure connection is refused in production unless ALLOW_INSECURE=true.';

/** Kafka and MongoDB are not encrypted unless a setting says so. */
const refuseUnsafeServers = (
  { kafka, mongodb, peers, allowInsecure }: Config,
  refuse: (key: string, why: string) => never,
): void => {
  if (DEFAULT_PASSWORD.test(kafka.password)) {
    refuse('KAFKA_PASSWORD', 'a default password is refused in production.');
  }
  if (allowInsecure) return;
  if (kafka.brokers.length > 0 && !kafka.tls) refuse('KAFKA_TLS', INSECURE);
  if (peers.addresses.length > 0) refuse('PEERS', INSECURE);
  const isPlain =
    mongodb.url.startsWith('mongodb://') && !/[?&](tls|ssl)=true\b/i.test(mongodb.url);
  if (isPlain) refuse('MONGODB_URL', INSECURE);
};

const FILE = '.env';

/** The environment, completed by a file .env in the working directory. */
export const processEnvironment = (): NodeJS.ProcessEnv => {
  const bytes = fileBytes();
  for (const [name, value] of Object.entries(parseEnvironmentFile(bytes))) {
    process.env[name] ??= value;
  }
  return process.env;
};

const fileBytes = (): Buffer => {
  try {
    return readFileSync(FILE);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT') return Buffer.alloc(0);
    const why = code === 'EISDIR' ? 'it is a directory' : String(code);
    throw new ConfigError(
      `${FILE}: the file of settings cannot be read (${why}). Make it a readable file or remove it.`,
    );
  }
};

/** Editors and shells of Windows write UTF-16 or a byte order mark, which would hide the first name. */
export const parseEnvironmentFile = (bytes: Buffer): Record<string, string> => {
  const text = decodedText(bytes);
  if (text?.includes('\0') !== false) {
    throw new ConfigError(`${FILE}: it is neither UTF-8 nor UTF-16. Save it as UTF-8.`);
  }
  return parse(text);
};

const decodedText = (bytes: Buffer): string | undefined => {
  try {
    // The decoder removes the byte order mark.
    return new TextDecoder(encodingOf(bytes), { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
};

/** Without a byte order mark, a zero byte in the first character means UTF-16. */
const encodingOf = ([first, second]: Buffer): string => {
  if ((first === 0xff && second === 0xfe) || second === 0) return 'utf-16le';
  if ((first === 0xfe && second === 0xff) || first === 0) return 'utf-16be';
  return 'utf-8';
};

/**
 * A sentence for each variable whose name is nearly one of ours. Only a warning: it may be a setting of
 * other software.
 */
export const misspeltVariables = (environment: NodeJS.ProcessEnv): string[] => {
  const known = settings.map(({ variable }) => variable);
  return Object.keys(environment)
    .filter((name) => !known.includes(name))
    .flatMap((name) => {
      const nearest = nearestOf(name, known);
      return nearest === undefined
        ? []
        : [`${name} is not a setting and has no effect. Did you mean ${nearest}?`];
    });
};

/** One letter in six may differ: enough for API_KEY and KAFKA_BROKER, too little for HOME and HOST. */
const nearestOf = (name: string, known: readonly string[]): string | undefined => {
  const upper = name.toUpperCase().replace(/[-.]/g, '_');
  return known
    .map((variable) => ({ variable, wrong: distance(upper, variable) }))
    .filter(({ variable, wrong }) => wrong <= Math.floor(variable.length / 6))
    .sort((one, other) => one.wrong - other.wrong)[0]?.variable;
};
