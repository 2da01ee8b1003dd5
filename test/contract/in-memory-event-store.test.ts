import { inMemoryEventStore } from '../support/in-memory-event-store.js';
import { eventStoreContract } from './event-store.features.js';

// The store that tests use may promise no more than the real ones do.
eventStoreContract('in memory, for tests', {
  open: () => {
    const store = inMemoryEventStore(Date.now);
    return Promise.resolve({ store, stop: () => store.close() });
  },
  freshLog: true,
  openOnALine: { because: 'no line leads to a store in the same process' },
  killWhileAppending: { because: 'it keeps nothing' },
});
