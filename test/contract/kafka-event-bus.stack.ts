import { openKafka } from '../support/stack/kafka.js';
import { openKafkaBus } from '../support/stack/kafka-bus.js';
import { orSkip } from '../support/stack/server.js';
import { eventBusContract } from './event-bus.features.js';

describe('Kafka', function () {
  this.timeout(120_000);
  let brokers = '';

  before(async function () {
    ({ address: brokers } = await orSkip(this, 'kafka', openKafka));
  });

  eventBusContract('Kafka', {
    open: async () => {
      const bus = await openKafkaBus(brokers);
      return { bus, stop: () => bus.close() };
    },
    retains: true,
    withinMs: 15_000,
  });
});
