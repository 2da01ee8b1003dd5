import { Kind, type DocumentNode, type FieldNode, type GraphQLSchema } from 'graphql';
import { MAX_PAGE_SIZE } from '../graphql/arguments.js';
import { LimitExceededError, type DocumentLimits } from './limits.js';
import { measureDocument, type PageSizeOf } from './measure.js';

const PAGE_ARGUMENTS: ReadonlySet<string> = new Set(['limit', 'pageSize', 'first']);

/** Throws LimitExceededError; runs before validation, whose own work a bomb could make large. */
export const createGuard = (schema: GraphQLSchema, limits: DocumentLimits) => {
  const pageSizeOf = pageSizes(schema);

  return (document: DocumentNode): void => {
    const { depth, aliases, cost } = measureDocument(document, pageSizeOf);
    if (depth > limits.maxDepth) {
      throw new LimitExceededError('depth', `A query may be ${limits.maxDepth} fields deep.`);
    }
    if (aliases > limits.maxAliases) {
      throw new LimitExceededError(
        'aliases',
        `A query may use ${limits.maxAliases} aliases, and none within introspection.`,
      );
    }
    if (cost > limits.maxCost) {
      throw new LimitExceededError(
        'cost',
        `A query may cost ${limits.maxCost}, and this one may come to ${cost}: ask for fewer or smaller lists.`,
      );
    }
  };
};

/** A page size that only a variable knows counts as the largest. */
const pageSizes = (schema: GraphQLSchema): PageSizeOf => {
  const defaults = defaultPageSizes(schema);
  return ({ name, arguments: given = [] }: FieldNode) => {
    const byDefault = defaults.get(name.value);
    const value = given.find((argument) => PAGE_ARGUMENTS.has(argument.name.value))?.value;
    if (byDefault === undefined || value === undefined) return byDefault;
    if (value.kind !== Kind.INT) return MAX_PAGE_SIZE;
    return Math.min(Math.max(Number(value.value), 1), MAX_PAGE_SIZE);
  };
};

const defaultPageSizes = (schema: GraphQLSchema): ReadonlyMap<string, number> =>
  new Map(
    Object.values(schema.getQueryType()?.getFields() ?? {}).flatMap(({ name, args }) =>
      args
        .filter((argument) => PAGE_ARGUMENTS.has(argument.name))
        .map((argument): [string, number] => [name, Number(argument.defaultValue)]),
    ),
  );
