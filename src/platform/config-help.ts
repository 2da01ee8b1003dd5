import { schema } from './config-schema.js';

interface Setting {
  readonly key: string;
  readonly variable: string;
  readonly doc: string;
  readonly value: unknown;
  readonly secret: boolean;
}

const isLeaf = (node: object): node is { env: string; doc: string; default: unknown } =>
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
          },
        ]
      : leaves(child, [...path, name]),
  );

/** Puts the variable behind the key in a message about a setting. */
export const withVariables = (message: string): string =>
  leaves(schema).reduce(
    (text, { key, variable }) => text.replace(`${key}:`, `${key} (${variable}):`),
    message,
  );

const shown = (value: unknown): string => (Array.isArray(value) ? value.join(',') : String(value));

/** Every setting: its variable, its default and what it does. */
export const describeSettings = (): string =>
  leaves(schema)
    .map(({ variable, doc, value }) => `${variable} (${shown(value) || 'empty'})\n    ${doc}`)
    .join('\n');

/** The effective value of every setting as VARIABLE=value lines, secrets masked. */
export const showConfig = (config: object): string =>
  leaves(schema)
    .map(({ key, variable, secret }) => {
      const value = key
        .split('.')
        .reduce<unknown>((node, name) => (node as Record<string, unknown>)[name], config);
      const text = shown(value);
      return `${variable}=${secret && text !== '' ? '***' : text}`;
    })
    .join('\n');
