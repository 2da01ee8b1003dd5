import { openKafkaEventBus } from '../../src/adapters/kafka/bus.js';
import { openKafka } from '../support/stack/kafka.js';
import { publishRecords, testBusOptions } from '../support/stack/kafka-bus.js';
import { orSkip } from '../support/stack/server.js';
import { eventBusContract } from './event-bus.features.js';

const UNHEALTHY_AFTER_MS = 500;

describe('Kafka', function () {
  this.timeout(120_000);
  let brokers = '';

  before(async function () {
    ({ address: brokers } = await orSkip(this, 'kafka', openKafka));
  });

  eventBusContract('Kafka', {
    open: async () => {
      const options = testBusOptions(brokers);
      const bus = await openKafkaEventBus({ ...options, unhealthyAfterMs: UNHEALTHY_AFTER_MS });
      const garbage = { key: 'anime-1', value: Buffer.from('{"'), headers: {} };
      const putGarbage = () => publishRecords(options, [garbage]);
      return { bus, putGarbage, stop: () => bus.close() };
    },
    retains: true,
    unhealthyAfterMs: UNHEALTHY_AFTER_MS,
    withinMs: 15_000,
  });
});
