import { randomUUID } from 'node:crypto';
import { MongoClient, MongoServerError, type Document } from 'mongodb';
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

const ferretdbVersionOf = async (url: string): Promise<string> => {
  const { ferretdbVersion } = await command(url, { buildInfo: 1 });
  return typeof ferretdbVersion === 'string' ? ferretdbVersion : '';
};

/** FerretDB 1 takes no time limit on `distinct`. */
export const isFerretdb1 = async (url: string): Promise<boolean> =>
  /^v?1\./.test(await ferretdbVersionOf(url));

/** FerretDB 1 decides and writes in two steps, unless it is the one that is built here. */
export const updatesAtomically = async (url: string): Promise<boolean> =>
  !(await isFerretdb1(url)) || (await ferretdbVersionOf(url)).includes('mended');

/** Whether the server says, as MongoDB does, which index it takes for a query. */
export const explainsIndexes = async (url: string): Promise<boolean> => {
  const client = new MongoClient(url, { serverSelectionTimeoutMS: 2000 });
  const db = client.db(`explains-${randomUUID()}`);
  try {
    const some = db.collection('some');
    await some.createIndexes([{ name: 'by_n', key: { n: 1 } }]);
    await some.insertMany([{ n: 1 }, { n: 2 }]);
    const explanation = await some.find({ n: 1 }).explain('queryPlanner');
    return /"winningPlan":.*"indexName":"by_n"/.test(JSON.stringify(explanation));
  } catch (error) {
    if (error instanceof MongoServerError) return false;
    throw error;
  } finally {
    await db.dropDatabase();
    await client.close();
  }
};
