import { schema } from './schema.js';
import { withoutSecrets } from './server-settings.js';

interface Setting {
  readonly key: string;
  readonly variable: string;
  readonly doc: string;
  readonly value: unknown;
  readonly secret: boolean;
  /** An address: its hosts may be shown although it is a secret. */
  readonly address: boolean;
}

const isLeaf = (
  node: object,
): node is { env: string; doc: string; format: unknown; default: unknown } =>
  'env' in node && typeof node.env === 'string';

const leaves = (node: object, path: readonly string[] = []): Setting[] =>
  Object.entries(node).flatMap(([name, child]: [string, object]) =>
    isLeaf(child)
      ? [
          {
            key: [...path, name].join('.'),
            variable: child.env,
            doc: child.doc,
            value: child.default,
            secret: 'sensitive' in child,
            address: String(child.format).endsWith('-url'),
          },
        ]
      : leaves(child, [...path, name]),
  );

/** All settings, in the order of the schema. */
export const settings: readonly Setting[] = leaves(schema);

/** Adds the variable to the key of each setting, and removes values that may hold a password. */
export const withVariables = (message: string): string =>
  message
    .split('\n')
    .map((line) => {
      const setting = settings.find(({ key }) => line.startsWith(`${key}: `));
      if (setting === undefined) return line;
      const { key, variable } = setting;
      return `${key} (${variable})${line.slice(key.length)}`.replace(/: value was .*@.*$/, '');
    })
    .join('\n');

const settingText = (value: unknown): string =>
  Array.isArray(value) ? value.join(',') : String(value);

/** Every setting: its variable, its default and what it does. */
export const describeSettings = (): string =>
  settings
    .map(({ variable, doc, value }) => `${variable} (${settingText(value) || 'empty'})\n    ${doc}`)
    .join('\n');

/** A password in a setting that should hold none. */
const CREDENTIALS = /\/\/.*@/s;

/** The effective value of every setting by its variable, secrets masked. */
export const effectiveSettings = (config: object): Readonly<Record<string, string>> =>
  Object.fromEntries(
    settings.map(({ key, variable, secret, address }) => {
      const value = key
        .split('.')
        .reduce<unknown>((node, name) => (node as Record<string, unknown>)[name], config);
      const text = settingText(value);
      if (text === '' || !(secret || CREDENTIALS.test(text))) return [variable, text];
      return [variable, address ? withoutSecrets(text) : '***'];
    }),
  );

/** The same as VARIABLE=value lines. */
export const showConfig = (config: object): string =>
  Object.entries(effectiveSettings(config))
    .map(([variable, text]) => `${variable}=${text}`)
    .join('\n');
