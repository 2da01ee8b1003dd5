import { randomUUID } from 'node:crypto';
import { type Admin, type IHeaders, Kafka, logLevel } from 'kafkajs';
import { BSON, MongoClient } from 'mongodb';
import { within } from '../../../src/platform/async/abort.js';
import { eventually } from '../eventually.js';

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

/** Something that a server holds of a service, as bytes, and where. */
export interface HeldBytes {
  readonly place: string;
  readonly bytes: Buffer;
}

/** Every record of every topic of a service: key, value and headers, read by a client of its own. */
export const recordsHeld = async (traces: Traces): Promise<readonly HeldBytes[]> => {
  const { topics, ends } = await withAdmin(traces, async (admin) => {
    const { topics } = await findInKafka(admin, traces);
    return { topics, ends: await endsOf(admin, topics) };
  });
  const client = new Kafka({ brokers: traces.kafka.split(','), logLevel: logLevel.NOTHING });
  const consumer = client.consumer({ groupId: `${traces.topic}-plain-${randomUUID()}` });
  const held: HeldBytes[] = [];
  try {
    await consumer.connect();
    await consumer.subscribe({ topics, fromBeginning: true });
    await consumer.run({
      eachMessage: ({ topic, message: { key, value, headers, offset } }) => {
        const parts = [key ?? '', value ?? '', ...textsIn(headers)].map((part) =>
          Buffer.from(part),
        );
        held.push({ place: `${topic}@${offset}`, bytes: Buffer.concat(parts) });
        return Promise.resolve();
      },
    });
    await eventually(
      () => {
        if (held.length < ends) throw new Error(`${held.length} of ${ends} records came.`);
      },
      { withinMs: 60_000 },
    );
  } finally {
    await consumer.disconnect();
  }
  return held;
};

/** Every document of every collection of a service. */
export const documentsHeld = (traces: Traces): Promise<readonly HeldBytes[]> =>
  withMongodb(traces, async (client) => {
    const held: HeldBytes[] = [];
    for (const database of await find(client, traces)) {
      for (const collection of await client.db(database).collections()) {
        for await (const document of collection.find()) {
          held.push({
            place: `${database}.${collection.collectionName}`,
            bytes: Buffer.from(BSON.serialize(document)),
          });
        }
      }
    }
    return held;
  });

const endsOf = async (admin: Admin, topics: readonly string[]): Promise<number> => {
  let sum = 0;
  for (const topic of topics) {
    for (const { low, high } of await admin.fetchTopicOffsets(topic)) {
      sum += Number(high) - Number(low);
    }
  }
  return sum;
};

const textsIn = (headers: IHeaders = {}): readonly (Buffer | string)[] =>
  Object.entries(headers).flatMap(([name, value]) => [name, value ?? ''].flat());

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
