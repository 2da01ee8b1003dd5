import { inProcessBus } from '../../src/adapters/embedded/bus/bus.js';
import { silentLogger } from '../../src/platform/observability/logger.js';
import { eventBusContract } from './event-bus.features.js';

const UNHEALTHY_AFTER_MS = 200;

eventBusContract('in-process', {
  open: () => {
    const redelivery = { baseMs: 1, maxMs: 5 };
    const options = { partitions: 3, redelivery, unhealthyAfterMs: UNHEALTHY_AFTER_MS };
    const bus = inProcessBus({ logger: silentLogger(), ...options });
    return Promise.resolve({ bus, stop: () => bus.close() });
  },
  retains: false,
  unhealthyAfterMs: UNHEALTHY_AFTER_MS,
  withinMs: 5_000,
});
