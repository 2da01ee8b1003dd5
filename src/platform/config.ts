import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import convict from 'convict';
import './config-formats.js';
import { withVariables } from './config-help.js';
import { schema } from './config-schema.js';

/** A setting is missing, mistyped, unknown or unsafe. The message names it and says what to do. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

const packageRoot = fileURLToPath(new URL('../../../', import.meta.url));

const parse = (environment: NodeJS.ProcessEnv) => {
  const config = convict(schema, { env: environment, args: [] });
  const file = `${packageRoot}config/${config.get('env')}.json`;
  if (existsSync(file)) config.loadFile(file);
  config.validate({ allowed: 'strict' });
  return config;
};

/** The effective settings; the environment wins over config/<NODE_ENV>.json over the defaults. */
export type Config = ReturnType<ReturnType<typeof parse>['getProperties']>;

/** Reads and checks all settings, or throws a ConfigError that names the wrong one. */
export const loadConfig = (environment: NodeJS.ProcessEnv = processEnvironment()): Config => {
  try {
    const config = parse(environment).getProperties();
    if (config.env === 'production') refuseUnsafe(config);
    return config;
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw new ConfigError(withVariables(error instanceof Error ? error.message : String(error)));
  }
};

/** A file .env beside the working directory fills what the environment leaves open. */
const processEnvironment = (): NodeJS.ProcessEnv => {
  if (existsSync('.env')) process.loadEnvFile('.env');
  return process.env;
};

const DEFAULT_PASSWORDS = /:\/\/[^@/]*:(changeit|admin|password|secret)@/i;

const refuseUnsafe = (config: Config): void => {
  const refuse = (key: string, why: string): never => {
    throw new ConfigError(`${key}: ${why}`);
  };
  if (config.corsOrigins.includes('*')) {
    refuse('CORS_ORIGINS', 'an open CORS policy is refused in production; list the origins.');
  }
  if (config.apiKeys.some((key) => key.length < 16)) {
    refuse('API_KEYS', 'a key in production has at least 16 characters.');
  }
  for (const [key, url] of [
    ['EVENTSTORE_URL', config.eventStore.url],
    ['MONGODB_URL', config.mongodb.url],
  ] as const) {
    if (DEFAULT_PASSWORDS.test(url)) refuse(key, 'a default password is refused in production.');
    if (!config.allowInsecure && /tls(VerifyCert)?=false|tlsInsecure=true/i.test(url)) {
      refuse(key, 'an insecure connection is refused in production unless ALLOW_INSECURE=true.');
    }
  }
};
