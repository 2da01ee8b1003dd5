import kafkajs from 'kafkajs';
import { backoffMs, pause } from '../../platform/async/retry.js';
import type { Logger } from '../../platform/observability/logger.js';
import { PortError, UnavailableError } from '../../ports/errors.js';
import type { ClusterAdmin } from './admin.js';
import { isUnknownTopic } from './errors.js';

// At run time a property of the default export alone.
const { ConfigResourceTypes } = kafkajs;

/** What makes a topic keep every record for ever, whatever the broker's defaults are. */
const KEPT_FOR_EVER: Readonly<Record<string, string>> = {
  'retention.ms': '-1',
  'retention.bytes': '-1',
  'cleanup.policy': 'delete',
};

export const keptForEver = () =>
  Object.entries(KEPT_FOR_EVER).map(([name, value]) => ({ name, value }));

/** A log with holes is none, and a rebuild from it would be wrong without a word. */
export const refuseForgetful = async (
  admin: ClusterAdmin,
  topic: string,
  logger: Logger,
): Promise<void> => {
  const found = Object.entries(await settingsThatForget(admin, topic, logger));
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

export const warnOfForgetful = async (
  admin: ClusterAdmin,
  topic: string,
  logger: Logger,
): Promise<void> => {
  const found = await settingsThatForget(admin, topic, logger);
  if (Object.keys(found).length > 0) logger.warn('A topic forgets its records', { topic, found });
};

const settingsThatForget = async (
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
    logger.warn('The settings of a topic may not be read: see to it that it keeps its records', {
      ...{ topic, error },
    });
    return {};
  }
};

export interface TopicSettings {
  readonly topic: string;
  readonly partitions: number;
  /** Copies of each partition; 0: the broker's default. */
  readonly replicationFactor: number;
}

/** Creates the topic where it is missing, to be kept for ever. Answers how many partitions it has. */
export const ensureTopic = async (
  admin: ClusterAdmin,
  settings: TopicSettings,
): Promise<number> => {
  const { topic, partitions, replicationFactor } = settings;
  const found = await partitionCount(admin, topic);
  if (found !== null) return found;
  await admin.ask((kafka) =>
    // False where somebody else was faster.
    kafka.createTopics({
      topics: [
        {
          topic,
          numPartitions: partitions,
          replicationFactor: replicationFactor === 0 ? -1 : replicationFactor,
          configEntries: keptForEver(),
        },
      ],
    }),
  );
  for (let attempt = 0; attempt < 10; attempt += 1) {
    const created = await partitionCount(admin, topic);
    if (created !== null) return created;
    await pause(backoffMs(attempt, { baseMs: 50, maxMs: 1_000 }));
  }
  throw new UnavailableError('The new topic is not known to all brokers yet.', {
    context: { topic },
  });
};

/** Keys are placed by the number of partitions, so another number would tear their order apart. */
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
