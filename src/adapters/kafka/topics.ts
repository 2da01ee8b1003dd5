import { PortError, UnavailableError } from '../../ports/errors.js';
import { backoffMs, pause } from '../../platform/retry.js';
import type { ClusterAdmin } from './admin.js';
import { isUnknownTopic } from './errors.js';
import { keptForEver } from './topic-settings.js';

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
