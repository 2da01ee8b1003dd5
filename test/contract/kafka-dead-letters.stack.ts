import { kafkaDeadLetters } from '../../src/adapters/kafka/dead-letters.js';
import { silentLogger } from '../../src/platform/logger.js';
import { openKafka } from '../support/stack/kafka.js';
import { freshTopic } from '../support/stack/kafka-bus.js';
import { orSkip } from '../support/stack/server.js';
import { deadLettersContract } from './dead-letters.features.js';

describe('Kafka', function () {
  this.timeout(60_000);
  let brokers = '';

  before(async function () {
    ({ address: brokers } = await orSkip(this, 'kafka', openKafka));
  });

  deadLettersContract('Kafka', async () => {
    const topic = freshTopic();
    const logger = silentLogger();
    const open = () =>
      kafkaDeadLetters({ brokers: brokers.split(','), topic, replicationFactor: 0, logger });
    const letters = await open();
    const others: (typeof letters)[] = [];
    return {
      letters,
      afterCrash: async () => {
        const other = await open();
        others.push(other);
        return other;
      },
      stop: async () => {
        for (const each of [letters, ...others]) await each.close();
      },
    };
  });
});
