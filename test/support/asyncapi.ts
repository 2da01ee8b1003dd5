import { readFileSync } from 'node:fs';
import addFormats from 'ajv-formats';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parse } from 'yaml';
import type { Schema } from './openapi.js';

export interface Message {
  readonly name: string;
  readonly headers: Schema;
  readonly payload: Schema;
  readonly bindings?: { readonly kafka: { readonly key: Schema } };
  readonly examples?: readonly { readonly headers?: unknown; readonly payload: unknown }[];
}

interface Channel {
  readonly address: string;
  readonly messages: Readonly<Record<string, unknown>>;
  readonly bindings: {
    readonly kafka: {
      readonly topic: string;
      readonly partitions: number;
      readonly topicConfiguration: Readonly<Record<string, unknown>>;
    };
  };
}

/** The document as other teams find it. */
export const asyncApi = parse(readFileSync('docs/asyncapi.yaml', 'utf8')) as {
  readonly asyncapi: string;
  readonly info: { readonly version: string };
  readonly channels: Readonly<Record<'events' | 'deadLetters' | 'stream' | 'forgotten', Channel>>;
  readonly components: {
    readonly messages: Readonly<Record<string, Message>>;
    readonly schemas: Readonly<Record<string, Schema>>;
  };
};

const ajv = new Ajv2020({ allErrors: true, allowUnionTypes: true, ownProperties: true });
addFormats.default(ajv);
ajv.addVocabulary(['asyncapi', 'info', 'components', 'channels', 'operations', 'servers']);
ajv.addVocabulary(['defaultContentType']);
ajv.addSchema(asyncApi, 'asyncapi');

/** Where a value differs from what stands at a place of the document, such as schemas/UserId. */
export const differencesFrom = (place: string, value: unknown): readonly string[] => {
  const validate = ajv.getSchema(`asyncapi#/components/${place}`);
  if (validate === undefined) throw new Error(`The document has no ${place}.`);
  if (validate(value) === true) return [];
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
};
