import { inProcessBus } from '../../src/adapters/embedded/bus/bus.js';
import { silentLogger } from '../../src/platform/logger.js';
import { eventBusContract } from './event-bus.features.js';

eventBusContract('in-process', {
  open: () => {
    const redelivery = { baseMs: 1, maxMs: 5 };
    const bus = inProcessBus({ logger: silentLogger(), partitions: 3, redelivery });
    return Promise.resolve({ bus, stop: () => bus.close() });
  },
  retains: false,
  withinMs: 5_000,
});
