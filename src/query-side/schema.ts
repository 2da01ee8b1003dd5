import { makeExecutableSchema } from '@graphql-tools/schema';
import type { GraphQLSchema } from 'graphql';
import { createAnimeResolvers } from './anime-resolvers.js';
import type { QueryContext } from './context.js';
import { createListResolvers } from './list-resolvers.js';
import type { RevisionWaiter } from './revision-waiter.js';
import { countScalar } from './scalars.js';
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
