import { MongoClient, type Document } from 'mongodb';
import { eventually } from '../eventually.js';

/** Asks the server behind an address one thing, on a connection of its own. */
const command = async (url: string, question: Document): Promise<Document> => {
  const client = new MongoClient(url, { serverSelectionTimeoutMS: 2000 });
  try {
    return await client.db('admin').command(question);
  } finally {
    await client.close();
  }
};

/** Resolves when the server takes writes. */
export const mongodbAnswers = (url: string, withinMs = 60_000): Promise<void> =>
  eventually(
    async () => {
      const { isWritablePrimary } = await command(url, { hello: 1 });
      if (isWritablePrimary !== true) throw new Error(`${url} takes no writes.`);
    },
    { withinMs, everyMs: 100 },
  );

/** FerretDB speaks MongoDB's protocol and lacks some of what MongoDB does: see the skips. */
export const isFerretdb = async (url: string): Promise<boolean> =>
  'ferretdbVersion' in (await command(url, { buildInfo: 1 }));
