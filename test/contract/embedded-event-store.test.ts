import { openEventLog } from '../../src/embedded-eventstore/log/open-event-log.js';
import { silentLogger } from '../../src/platform/observability/logger.js';
import { killWriters } from '../support/kill-writers.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { eventStoreContract } from './event-store.features.js';
import { deletableEventStore } from '../support/stream-deletion.js';

eventStoreContract('embedded, in this process', {
  open: async () => {
    const directory = await temporaryDirectory();
    const store = deletableEventStore(
      await openEventLog({ directory: directory.path, logger: silentLogger() }),
    );
    return { store, stop: () => store.close().then(directory.remove) };
  },
  freshLog: true,
  openOnALine: { because: 'no line leads to a store in the same process' },
  killWhileAppending: killWriters,
});
