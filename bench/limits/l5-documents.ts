import { MongoClient } from 'mongodb';
import { animeId, userId } from '../../test/support/examples.js';
import { aDay, anAnimeDocument, anInteraction } from '../../test/support/read-store.js';
import { dropDatabase } from '../../test/support/stack/mongodb.js';
import { openMongodbStore } from '../../test/support/stack/mongodb-store.js';

const CHUNK = 500;

/**
 * How many documents a second the server takes at all: the write that guards a document, each of
 * another one of the size of a user's, in bulks of 500 over one connection.
 */
export const documentLimit = async (
  url: string,
  database: string,
  durationMs: number,
): Promise<number> => {
  const client = new MongoClient(url);
  const collection = client.db(database).collection<{ _id: string }>('limit');
  await collection.createIndex({ 'd.userId': 1, 'd.animeId': 1 });
  const at = new Date(0).toISOString();
  let written = 0;
  const startedAt = performance.now();
  while (performance.now() - startedAt < durationMs) {
    const operations = Array.from({ length: CHUNK }, (_, index) => {
      const userId = `user-${written + index}`;
      const counted = { clicks: 1, views: 1, seconds: 1_000, lastClickAt: at, lastViewAt: at };
      const d = { generation: 0, revision: 1, animeId: 1, userId, ...counted, ratings: [] };
      return { updateOne: { filter: { _id: userId }, update: { $max: { d } }, upsert: true } };
    });
    await collection.bulkWrite(operations, { ordered: false });
    written += CHUNK;
  }
  const seconds = (performance.now() - startedAt) / 1000;
  await client.db(database).dropDatabase();
  await client.close();
  return written / seconds;
};

const ANIMES = 1_000;

/**
 * How many events a second the server takes, each as the three documents that change with it: a new
 * one of the user, and those of the day and the anime with their indexes, in batches of so many.
 */
export const eventLimit = async (
  url: string,
  database: string,
  { batch, durationMs }: { readonly batch: number; readonly durationMs: number },
): Promise<number> => {
  const store = await openMongodbStore(url, { database });
  await store.createVersion('limit', 'limit');
  const documents = store.documents('limit');
  let saved = 0;
  const startedAt = performance.now();
  while (performance.now() - startedAt < durationMs) {
    const events = Array.from({ length: batch }, (_, index) => {
      const number = saved + index;
      const revision = Math.floor(number / ANIMES);
      const of = { animeId: animeId((number % ANIMES) + 1), revision };
      return { ...of, user: anInteraction({ ...of, userId: userId(`user-${number}`) }) };
    });
    await documents.save({
      interactions: events.map(({ user }) => user),
      days: events.map(({ animeId, revision }) => aDay({ animeId, revision, clicks: revision })),
      animes: events.map(({ animeId, revision }) => anAnimeDocument({ animeId, revision })),
    });
    saved += batch;
  }
  const seconds = (performance.now() - startedAt) / 1000;
  await store.close();
  await dropDatabase(url, database);
  return saved / seconds;
};
