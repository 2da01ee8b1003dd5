import { Kafka, logLevel, type Admin } from 'kafkajs';
import { MongoClient } from 'mongodb';
import { within } from '../../../src/platform/async/abort.js';

/** The servers that a service has left something on, and the name that all of it begins with. */
export interface Traces {
  readonly kafka: string;
  readonly mongodb: string;
  readonly topic: string;
  readonly database: string;
}

/** The topics, groups and databases of a service that are still there. */
export const tracesOf = async (traces: Traces): Promise<readonly string[]> => {
  const { topics, groups } = await withAdmin(traces, (admin) => findInKafka(admin, traces));
  return [...topics, ...groups, ...(await withMongodb(traces, (client) => find(client, traces)))];
};

const WITHIN_MS = 15_000;

/** What cannot be removed is told, and is no failure: a test may have killed its server. */
export const removeTraces = async (traces: Traces): Promise<void> => {
  const removed = await Promise.allSettled(
    [withAdmin(traces, removeFrom(traces)), withMongodb(traces, drop(traces))].map((removing) =>
      within(WITHIN_MS, removing, () => new Error('no answer')),
    ),
  );
  for (const outcome of removed) {
    if (outcome.status === 'fulfilled') continue;
    process.stdout.write(`      left behind ${traces.topic}*: ${String(outcome.reason)}\n`);
  }
};

const findInKafka = async (admin: Admin, { topic }: Traces) => {
  const isOurs = (name: string): boolean => name.startsWith(topic);
  const { groups } = await admin.listGroups();
  return {
    topics: (await admin.listTopics()).filter(isOurs),
    groups: groups.map(({ groupId }) => groupId).filter(isOurs),
  };
};

const removeFrom = (traces: Traces) => async (admin: Admin) => {
  const { topics, groups } = await findInKafka(admin, traces);
  if (topics.length > 0) await admin.deleteTopics({ topics });
  if (groups.length > 0) await admin.deleteGroups(groups);
};

const find = async (client: MongoClient, { database }: Traces): Promise<readonly string[]> => {
  const { databases } = await client.db('admin').admin().listDatabases({ nameOnly: true });
  return databases.map(({ name }) => name).filter((name) => name.startsWith(database));
};

const drop = (traces: Traces) => async (client: MongoClient) => {
  for (const name of await find(client, traces)) await client.db(name).dropDatabase();
};

/** For what a test does to the broker behind the service's back. */
export const withAdmin = async <T>(
  { kafka }: Pick<Traces, 'kafka'>,
  use: (admin: Admin) => Promise<T>,
): Promise<T> => {
  const brokers = kafka.split(',');
  const retry = { retries: 2 };
  const admin = new Kafka({ brokers, retry, logLevel: logLevel.NOTHING }).admin();
  try {
    await admin.connect();
    return await use(admin);
  } finally {
    await admin.disconnect();
  }
};

const withMongodb = async <T>(
  { mongodb }: Traces,
  use: (client: MongoClient) => Promise<T>,
): Promise<T> => {
  const client = new MongoClient(mongodb, { serverSelectionTimeoutMS: 5_000 });
  try {
    return await use(client);
  } finally {
    await client.close();
  }
};
