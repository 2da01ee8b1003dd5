import { openKafka } from '../support/stack/kafka.js';
import { openKafkaBus } from '../support/stack/kafka-bus.js';
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
      const bus = await openKafkaBus(brokers, { unhealthyAfterMs: UNHEALTHY_AFTER_MS });
      return { bus, stop: () => bus.close() };
    },
    retains: true,
    unhealthyAfterMs: UNHEALTHY_AFTER_MS,
    withinMs: 15_000,
  });
});
