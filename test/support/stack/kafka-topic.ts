import kafkajs, { type Admin } from 'kafkajs';

const { ConfigResourceTypes, Kafka, logLevel } = kafkajs;

const withAdmin = async <T>(brokers: string[], ask: (admin: Admin) => Promise<T>): Promise<T> => {
  const admin = new Kafka({ brokers, logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    return await ask(admin);
  } finally {
    await admin.disconnect();
  }
};

/** The partitions of all topics that have fewer up-to-date copies than this. */
export const partitionsBehind = (brokers: string[], copies: number): Promise<readonly string[]> =>
  withAdmin(brokers, async (admin) => {
    const { topics } = await admin.fetchTopicMetadata();
    return topics.flatMap(({ name, partitions }) =>
      partitions
        .filter(({ isr }) => isr.length < copies)
        .map(({ partitionId }) => `${name}/${partitionId}`),
    );
  });

/** How many copies a topic has, and how many must have a record before it is acknowledged. */
export const describeTopic = (brokers: string[], topic: string) =>
  withAdmin(brokers, async (admin) => {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
    const { resources } = await admin.describeConfigs({
      resources: [
        { type: ConfigResourceTypes.TOPIC, name: topic, configNames: ['min.insync.replicas'] },
      ],
      includeSynonyms: false,
    });
    return {
      copies: topics[0]?.partitions[0]?.replicas.length,
      minInSync: resources[0]?.configEntries[0]?.configValue,
    };
  });
