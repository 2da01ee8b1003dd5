import { MongoClient } from 'mongodb';

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
