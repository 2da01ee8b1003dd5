import { Kafka, logLevel } from 'kafkajs';
import { eventually } from '../eventually.js';

/** Resolves when the broker answers a metadata request. */
export const kafkaAnswers = (address: string, withinMs = 60_000): Promise<void> =>
  eventually(
    async () => {
      const retry = { retries: 0 };
      const admin = new Kafka({ brokers: [address], logLevel: logLevel.NOTHING, retry }).admin();
      try {
        await admin.connect();
        const { brokers } = await admin.describeCluster();
        if (brokers.length === 0) throw new Error('The broker has not registered yet.');
      } finally {
        await admin.disconnect();
      }
    },
    { withinMs, everyMs: 100 },
  );
