import kafkajs, { type Admin } from 'kafkajs';
import { within } from '../../platform/async/abort.js';
import { retry } from '../../platform/async/retry.js';
import type { Logger } from '../../platform/observability/logger.js';
import { PortError, UnavailableError } from '../../ports/errors.js';
import type { Offsets } from '../../ports/event-bus.js';
import { busClosed, busError, type Connect, isUnknownTopic, type KafkaClient } from './client.js';

/** Requests to the cluster, each with a deadline. */
export interface ClusterAdmin {
  ask<T>(request: (admin: Admin) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

interface Connected {
  readonly client: KafkaClient;
  readonly admin: Admin;
  readonly ready: Promise<void>;
}

const ADMIN_TIMEOUT_MS = 10_000;

export const createAdmin = (connect: Connect, timeoutMs = ADMIN_TIMEOUT_MS): ClusterAdmin => {
  let current: Connected | null = null;
  let closed = false;

  const open = (): Connected => {
    const client = connect();
    const admin = client.kafka.admin();
    return { client, admin, ready: admin.connect() };
  };

  return {
    async ask(request) {
      if (closed) throw busClosed();
      const mine = (current ??= open());
      const late = () => new UnavailableError('Kafka did not answer in time.');
      try {
        const answer = mine.ready.then(() => request(mine.admin));
        return await within(timeoutMs, answer, late);
      } catch (error) {
        // Its connection may be dead: the next request opens a new one.
        mine.client.cut();
        if (current === mine) current = null;
        throw busError(error);
      }
    },

    async close() {
      closed = true;
      const last = current;
      current = null;
      await last?.client.close(() => last.admin.disconnect());
    },
  };
};

const { KafkaJSDeleteGroupsError } = kafkajs;

// The broker's codes, https://kafka.apache.org/protocol#protocol_error_codes
const NON_EMPTY_GROUP = 68;
const GROUP_ID_NOT_FOUND = 69;

/** Deletes what a group has committed. False where the group has members. */
export const forgetGroup = (admin: ClusterAdmin, group: string): Promise<boolean> =>
  admin.ask(async (kafka) => {
    try {
      await kafka.deleteGroups([group]);
      return true;
    } catch (error) {
      if (!(error instanceof KafkaJSDeleteGroupsError)) throw error;
      const codes = error.groups.map(({ errorCode }) => errorCode);
      if (codes.includes(GROUP_ID_NOT_FOUND)) return true;
      if (codes.includes(NON_EMPTY_GROUP)) return false;
      // The error of kafkajs itself does not say why.
      throw error.groups[0]?.error ?? error;
    }
  });

export const committedBy = (admin: ClusterAdmin, group: string, topic: string): Promise<Offsets> =>
  admin.ask(async (kafka) => {
    const found = await kafka.fetchOffsets({ groupId: group, topics: [topic] });
    const places = found.flatMap(({ partitions }) => partitions);
    // -1 where nothing is committed, for an unknown group too.
    const known = places.filter(({ offset }) => BigInt(offset) >= 0n);
    return new Map(known.map(({ partition, offset }) => [partition, BigInt(offset)]));
  });

/** None for an unknown group. */
export const membersOf = (admin: ClusterAdmin, group: string): Promise<number> =>
  admin.ask(async (kafka) => {
    const { groups } = await kafka.describeGroups([group]);
    return groups.reduce((sum, { members }) => sum + members.length, 0);
  });

// At run time a property of the default export alone.
const { ConfigResourceTypes } = kafkajs;

/** Makes a topic keep every record, whatever the broker's defaults are. */
const KEPT_FOR_EVER: Readonly<Record<string, string>> = {
  'retention.ms': '-1',
  'retention.bytes': '-1',
  'cleanup.policy': 'delete',
};

export const keptForEver = () =>
  Object.entries(KEPT_FOR_EVER).map(([name, value]) => ({ name, value }));

/** A broker refuses a record whose time is an hour ahead of its own, so it stamps them itself. */
const BROKER_TIME = { name: 'message.timestamp.type', value: 'LogAppendTime' };

const inSync = (replicas: number) => ({
  name: 'min.insync.replicas',
  value: String(replicas),
});

/** A rebuild from a topic with retention would silently miss events. */
export const refuseRetention = async (
  admin: ClusterAdmin,
  topic: string,
  logger: Logger,
): Promise<void> => {
  const found = Object.entries(await retentionSettings(admin, topic, logger));
  if (found.length === 0) return;
  const are = found.map(([name, value]) => `${name} is ${value}`).join(', ');
  const set = found.map(([name]) => `${name}=${KEPT_FOR_EVER[name]}`).join(', ');
  throw new PortError(
    'NOT_SUPPORTED',
    `The topic ${topic} forgets events: its ${are}. Set ${set} on it.`,
    false,
    { context: { topic, found: Object.fromEntries(found) } },
  );
};

export const warnOfRetention = async (
  admin: ClusterAdmin,
  topic: string,
  logger: Logger,
): Promise<void> => {
  const found = await retentionSettings(admin, topic, logger);
  if (Object.keys(found).length > 0)
    logger.warn('A topic has retention: records will be lost', { topic, found });
};

const retentionSettings = async (
  admin: ClusterAdmin,
  topic: string,
  logger: Logger,
): Promise<Readonly<Record<string, string>>> => {
  const resources = [
    { type: ConfigResourceTypes.TOPIC, name: topic, configNames: Object.keys(KEPT_FOR_EVER) },
  ];
  try {
    const described = await admin.ask((kafka) =>
      kafka.describeConfigs({ resources, includeSynonyms: false }),
    );
    const entries = described.resources.flatMap(({ configEntries }) => configEntries);
    const found = new Map(entries.map(({ configName, configValue }) => [configName, configValue]));
    return Object.fromEntries(
      Object.entries(KEPT_FOR_EVER).flatMap(([name, wanted]) => {
        const value = found.get(name) ?? wanted;
        return value === wanted ? [] : [[name, value]];
      }),
    );
  } catch (error) {
    if (!(error instanceof PortError) || error.code !== 'ACCESS_DENIED') throw error;
    logger.warn('Access to the settings of a topic is denied: make sure that it has no retention', {
      topic,
      error,
    });
    return {};
  }
};

export interface TopicSettings {
  readonly topic: string;
  readonly partitions: number;
  /** Copies of each partition; 0: the broker's default. */
  readonly replicationFactor: number;
  /** Copies that must have a record before it is acknowledged; 0 or absent: the broker's default. */
  readonly minInSyncReplicas?: number | undefined;
}

/** Creates the topic without retention where it is missing. Returns how many partitions it has. */
export const ensureTopic = async (
  admin: ClusterAdmin,
  settings: TopicSettings,
): Promise<number> => {
  const { topic, partitions, replicationFactor, minInSyncReplicas = 0 } = settings;
  const found = await partitionCount(admin, topic);
  if (found !== null) return found;
  await admin.ask((kafka) =>
    // False where the topic was created meanwhile.
    kafka.createTopics({
      topics: [
        {
          topic,
          numPartitions: partitions,
          replicationFactor: replicationFactor === 0 ? -1 : replicationFactor,
          configEntries: [
            ...keptForEver(),
            BROKER_TIME,
            ...(minInSyncReplicas === 0 ? [] : [inSync(minInSyncReplicas)]),
          ],
        },
      ],
    }),
  );
  const notYet = new UnavailableError('The new topic is not known to all brokers yet.', {
    context: { topic },
  });
  const created = async (): Promise<number> => {
    const count = await partitionCount(admin, topic);
    if (count === null) throw notYet;
    return count;
  };
  return await retry(created, {
    backoff: { baseMs: 50, maxMs: 1_000 },
    retriable: (error, attempt) => error === notYet && attempt < LAST_ATTEMPT,
  });
};

/** Attempts to see a new topic count from 0. */
const LAST_ATTEMPT = 9;

/** The number of partitions decides a key's partition, so another number would break the order per key. */
export const refuseOtherCount = (topic: string, found: number, wanted: number): void => {
  if (found === wanted) return;
  throw new PortError(
    'NOT_SUPPORTED',
    `The topic ${topic} has ${found} partitions and ${wanted} are configured. Configure ${found}, ` +
      'or name a new topic: changing the partitions needs a new topic and a rebuild of the read models.',
    false,
    { context: { topic, found, wanted } },
  );
};

const partitionCount = async (admin: ClusterAdmin, topic: string): Promise<number | null> => {
  try {
    const { topics } = await admin.ask((kafka) => kafka.fetchTopicMetadata({ topics: [topic] }));
    const count = topics.find(({ name }) => name === topic)?.partitions.length ?? 0;
    return count === 0 ? null : count;
  } catch (error) {
    if (error instanceof PortError && isUnknownTopic(error.cause)) return null;
    throw error;
  }
};
