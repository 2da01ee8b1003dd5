import { MongoClient } from 'mongodb';
import { explainsIndexes, mongodbAnswers } from './mongodb-answers.js';
import { inDockerOr } from './container.js';
import { startMongodbContainer } from './mongodb-docker.js';
import { startNativeFerretdb } from './mongodb-ferretdb.js';
import type { StackServer } from './server.js';

/** The server that MONGODB_URL names, else MongoDB in Docker, else FerretDB on this machine. */
export const openMongodb = (): Promise<StackServer> => {
  const url = process.env['MONGODB_URL'] ?? '';
  return url === '' ? startOwnMongodb() : theirs(url);
};

/** A server of one's own, for tests that end it. */
export const startOwnMongodb = (): Promise<StackServer> =>
  inDockerOr(startMongodbContainer, startNativeFerretdb);

/** Which index a query takes can be seen only where the server says so; elsewhere skipped, with the reason. */
export const skipWithoutExplain = async (context: Mocha.Context, url: string): Promise<void> => {
  if (await explainsIndexes(url)) return;
  process.stdout.write('      skipped: this server does not explain which index it uses\n');
  context.skip();
};

const theirs = async (address: string): Promise<StackServer> => {
  await mongodbAnswers(address, 10_000);
  const refuse = () => Promise.reject(new Error('The server of MONGODB_URL is not ours to end.'));
  return {
    address,
    ours: false,
    kill: refuse,
    start: refuse,
    stop: () => Promise.resolve(),
  };
};

/** Removes a database that a test has made. */
export const dropDatabase = async (url: string, name: string): Promise<void> => {
  const client = new MongoClient(url, { serverSelectionTimeoutMS: 5000 });
  try {
    await client.db(name).dropDatabase();
  } finally {
    await client.close();
  }
};
