import { expect } from 'chai';
import { createInProcessBus } from '../../src/adapters/embedded/bus/bus.js';
import { silentLogger } from '../../src/platform/observability/logger.js';
import { collecting, event, LOG_ID } from './event-bus/given.js';
import { eventBusContract } from './event-bus.features.js';

const UNHEALTHY_AFTER_MS = 200;

describe('the in-process bus', () => {
  it('hands over the very object that was published', async () => {
    const bus = createInProcessBus({ logger: silentLogger() });
    const seen = collecting();
    await bus.consumer('group').start(seen.handler);
    const sent = event('anime-1', 'a');
    await (await bus.publisher(LOG_ID)).publish([sent]);
    const [item] = seen.items;
    if (item?.kind !== 'event') expect.fail();
    expect(item.event).to.equal(sent);
    await bus.close();
  });
});

eventBusContract('in-process', {
  open: () => {
    const redelivery = { baseMs: 1, maxMs: 5 };
    const options = { partitions: 3, redelivery, unhealthyAfterMs: UNHEALTHY_AFTER_MS };
    const bus = createInProcessBus({ logger: silentLogger(), ...options });
    return Promise.resolve({ bus, stop: () => bus.close() });
  },
  retains: false,
  unhealthyAfterMs: UNHEALTHY_AFTER_MS,
  withinMs: 5_000,
});
