import { readFile } from 'node:fs/promises';
import { codegen } from '@graphql-codegen/core';
import * as operations from '@graphql-codegen/typescript-operations';
import {
  buildSchema,
  Kind,
  parse,
  print,
  separateOperations,
  stripIgnoredCharacters,
  type DocumentNode,
  type OperationDefinitionNode,
} from 'graphql';
import openapiTS, { astToString } from 'openapi-typescript';
import { format, resolveConfig } from 'prettier';
import ts from 'typescript';
import { openApi } from '../../src/command-side/http/openapi.js';

/** The generated files of the client, by their path. */
export const clientTypes = async (root: URL): Promise<ReadonlyMap<string, string>> => {
  const texts: readonly (readonly [string, string])[] = [
    ['src/client/generated/commands.ts', await commandTypes()],
    ['src/client/generated/queries.ts', await queryTypes(root)],
  ];
  const files = texts.map(async ([path, text]) => {
    const options = await resolveConfig(new URL(path, root));
    const pretty = await format(`${HEADER}${text}`, { ...options, parser: 'typescript' });
    return [path, pretty] as const;
  });
  return new Map(await Promise.all(files));
};

const HEADER = '// Written by `npm run client:types`; a test compares it with the APIs.\n\n';

/** What the client sends and receives. */
const SCHEMAS = ['Click', 'View', 'Rating', 'BatchResults', 'Details', 'Recorded', 'Problem'];

const commandTypes = async (): Promise<string> => {
  const { info, components } = openApi('');
  const used = Object.entries(components.schemas).filter(([name]) => SCHEMAS.includes(name));
  const document = {
    openapi: '3.1.0' as const,
    info: { title: info.title, version: '' },
    paths: {},
    components: { schemas: withoutExamples(Object.fromEntries(used)) },
  };
  const options = { immutable: true, rootTypes: true };
  const nodes = await openapiTS(JSON.stringify(document), options);
  return astToString(nodes.filter(isUsed));
};

const isUsed = (node: ts.Node): boolean => {
  if (ts.isInterfaceDeclaration(node)) return node.name.text === 'components';
  return ts.isTypeAliasDeclaration(node) && SCHEMAS.includes(node.name.text.replace('Schema', ''));
};

/** Examples are long, and said in the document itself. */
const withoutExamples = (schemas: object): Record<string, object> =>
  JSON.parse(
    JSON.stringify(schemas, (name, value: unknown) => (name === 'examples' ? undefined : value)),
  ) as Record<string, object>;

const CONFIG = {
  immutableTypes: true,
  skipTypename: true,
  enumsAsTypes: true,
  useTypeImports: true,
  defaultScalarType: 'unknown',
  scalars: { Count: 'number', ID: 'string' },
};

const queryTypes = async (root: URL): Promise<string> => {
  const schema = parse(await readFile(new URL('docs/schema.graphql', root), 'utf8'));
  const document = parse(await readFile(new URL('src/client/queries.graphql', root), 'utf8'));
  const types = await codegen({
    filename: 'queries.ts',
    schema,
    schemaAst: buildSchema(print(schema)),
    documents: [{ location: 'queries.graphql', document }],
    config: CONFIG,
    plugins: [{ operations: {} }],
    pluginMap: { operations },
  });
  const texts = Object.entries(separateOperations(document)).map(operationText);
  return [`import type { Operation } from '../queries.js';`, types, ...texts].join('\n\n');
};

/** An operation as the client sends it: its text, and whether it waits for a revision. */
const operationText = ([name, document]: [string, DocumentNode]): string => {
  const text = stripIgnoredCharacters(print(document));
  const operation = document.definitions.find(
    (definition): definition is OperationDefinitionNode =>
      definition.kind === Kind.OPERATION_DEFINITION,
  );
  const variables = (operation?.variableDefinitions ?? []).map(
    ({ variable }) => variable.name.value,
  );
  const waits = variables.includes('animeId') && variables.includes('minRevision');
  const type = `Operation<${name}Query, ${name}QueryVariables>`;
  return `export const ${name}: ${type} = { text: ${JSON.stringify(text)}, waits: ${waits} };`;
};
