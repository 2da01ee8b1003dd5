import { readFileSync } from 'node:fs';
import { parse } from 'dotenv';
import { distance } from 'fastest-levenshtein';
import { settings } from './help.js';
import { ConfigError } from './config.js';

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
