import { printSchema } from 'graphql';
import { createSchema } from '../src/query-side/graphql/schema.js';

/** The schema as a document: its types alone, so nothing is ever asked of what is left out here. */
const unasked = () => {
  throw new Error('Nobody queries a schema that is only printed.');
};

const schema = createSchema({
  waiter: { read: unasked },
  serviceInfo: unasked,
  now: unasked,
  events: 'off',
  projections: null,
  pipeline: {
    state: unasked,
    deadLetters: unasked,
    history: unasked,
    configuration: unasked,
  },
  subscriptions: {
    animeStats: { subscribe: unasked },
    topAnimesByViews: { subscribe: unasked },
    pipeline: { subscribe: unasked },
    events: { subscribe: unasked },
  },
});

process.stdout.write(`${printSchema(schema)}\n`);
