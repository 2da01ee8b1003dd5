import { makeExecutableSchema } from '@graphql-tools/schema';
import { GraphQLError, GraphQLScalarType, type GraphQLSchema, Kind } from 'graphql';
import type { RevisionWaiter } from '../read-your-writes/revision-waiter.js';
import { createAnimeResolvers, createListResolvers } from './resolvers.js';
import type { QueryContext } from './context.js';
import { typeDefs } from './type-defs.js';

/** What this process knows of itself; null for what it cannot know. */
export interface ServiceInfo {
  readonly version: string;
  readonly role: string;
  /** Events in the log that the read models do not show yet. */
  readonly lagEvents: number | null;
  readonly lagSeconds: number | null;
}

export interface SchemaOptions {
  readonly waiter: RevisionWaiter;
  readonly serviceInfo: () => ServiceInfo | Promise<ServiceInfo>;
  readonly now: () => Date;
}

export const createSchema = ({ waiter, serviceInfo, now }: SchemaOptions): GraphQLSchema =>
  makeExecutableSchema<QueryContext>({
    typeDefs: [...typeDefs],
    resolvers: {
      Count: countScalar,
      Query: {
        ...createListResolvers(now),
        ...createAnimeResolvers(waiter),
        serviceInfo: async () => ({ ...(await serviceInfo()), readModels: activeVersion }),
      },
    },
  });

/** A function, so that the store is asked only where the field is: the rest answers without it. */
const activeVersion = async (_: unknown, { readModels }: QueryContext): Promise<string | null> =>
  (await readModels())?.version ?? null;

/**
 * Int is 32 bit and turns a larger total into an error. A total that is no whole number is a bug of
 * ours, so serialising it throws a plain error, which is masked and logged.
 */
const countScalar = new GraphQLScalarType<number, number>({
  name: 'Count',
  description:
    'A whole number from 0 to 2^53-1, as a plain JSON number: totals outgrow the 32 bits of Int.',
  specifiedByURL: 'https://www.rfc-editor.org/rfc/rfc8259#section-6',
  serialize: (value) => {
    if (isCount(value)) return value;
    throw new TypeError(`Count cannot represent ${String(value)}.`);
  },
  parseValue: (value) => {
    if (isCount(value)) return value;
    throw new GraphQLError('A Count is a whole number from 0 to 2^53-1.');
  },
  parseLiteral: (node) => {
    const value = node.kind === Kind.INT ? Number(node.value) : undefined;
    if (isCount(value)) return value;
    throw new GraphQLError('A Count is a whole number from 0 to 2^53-1.', { nodes: node });
  },
});

const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 0;
