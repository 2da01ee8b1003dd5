import addFormats from 'ajv-formats';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { openApi } from '../../src/command-side/http/openapi.js';

/** The part of JSON Schema that our documents use. */
export interface Schema {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: boolean | Schema;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxLength?: number;
  readonly maxItems?: number;
  readonly pattern?: string;
  readonly examples?: readonly unknown[];
}

export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly description: string;
  readonly required?: boolean;
  readonly example?: unknown;
  readonly schema: Schema;
}

interface Example {
  readonly value: unknown;
}

interface Media {
  readonly schema: Schema;
  readonly examples?: Readonly<Record<string, Example>>;
}

interface Response {
  readonly description: string;
  readonly headers?: Readonly<
    Record<string, { readonly schema: Schema; readonly example: string }>
  >;
  readonly content?: Readonly<Record<string, Media>>;
}

export interface Operation {
  readonly method: string;
  readonly path: string;
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description: string;
  readonly parameters: readonly Parameter[];
  readonly requestBody?: {
    readonly description: string;
    readonly content: Readonly<Record<string, Media>>;
  };
  readonly responses: Readonly<Record<string, Response>>;
}

export const document = openApi('1.2.3');

/** The same with everything in its place that the document only refers to. */
const resolved = (part: unknown): unknown => {
  if (Array.isArray(part)) return part.map(resolved);
  if (typeof part !== 'object' || part === null) return part;
  if ('$ref' in part) return resolved(at(String(part.$ref)));
  return Object.fromEntries(Object.entries(part).map(([key, value]) => [key, resolved(value)]));
};

const at = (reference: string): unknown =>
  reference
    .split('/')
    .slice(1)
    .reduce<unknown>((part, key) => {
      const found = (part as Readonly<Record<string, unknown>>)[key];
      if (found === undefined) throw new Error(`${reference} refers to nothing.`);
      return found;
    }, document);

const METHODS = ['get', 'put', 'post', 'delete', 'patch'];

export const operations: readonly Operation[] = Object.entries(document.paths).flatMap(
  ([path, item]) => {
    const { parameters: shared = [], ...rest } = resolved(item) as {
      readonly parameters?: readonly Parameter[];
    } & Readonly<Record<string, Operation>>;
    return Object.entries(rest)
      .filter(([method]) => METHODS.includes(method))
      .map(([method, operation]) => ({
        ...operation,
        method,
        path,
        parameters: [...shared, ...operation.parameters],
      }));
  },
);

export const operation = (id: string): Operation => {
  const found = operations.find(({ operationId }) => operationId === id);
  if (found === undefined) throw new Error(`There is no operation ${id}.`);
  return found;
};

const ajv = new Ajv2020({ allErrors: true, allowUnionTypes: true, ownProperties: true });
addFormats.default(ajv);

type Validate = ReturnType<typeof ajv.compile>;

const validators = new Map<string, Validate>();

const validator = (schema: Schema): Validate => {
  const text = JSON.stringify(schema);
  const validate = validators.get(text) ?? ajv.compile(schema);
  validators.set(text, validate);
  return validate;
};

export const isValid = (schema: Schema, value: unknown): boolean =>
  validator(schema)(value) === true;

/** The schema of an object that may only have the properties that it names. */
const closed = (schema: Schema): Schema => ({
  ...schema,
  ...(schema.properties === undefined
    ? {}
    : {
        properties: Object.fromEntries(
          Object.entries(schema.properties).map(([name, part]) => [name, closed(part)]),
        ),
        additionalProperties: false,
      }),
  ...(schema.items === undefined ? {} : { items: closed(schema.items) }),
});

/** Where a value differs from the schema; a property that it does not name is a difference. */
export const differences = (schema: Schema, value: unknown): readonly string[] => {
  const validate = validator(closed(schema));
  if (validate(value) === true) return [];
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
};
