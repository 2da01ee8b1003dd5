import { inMemoryEventStore } from '../support/in-memory-event-store.js';
import { eventStoreContract } from './event-store.features.js';

// The in-memory store of the tests must not promise more than the real ones.
eventStoreContract('in memory, for tests', {
  open: () => {
    const store = inMemoryEventStore(Date.now);
    return Promise.resolve({ store, stop: () => store.close() });
  },
  freshLog: true,
  openOnALine: { because: 'no line leads to a store in the same process' },
  killWhileAppending: { because: 'it keeps nothing' },
});
