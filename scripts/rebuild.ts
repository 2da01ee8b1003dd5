import { randomUUID } from 'node:crypto';
import { parseArgs } from 'node:util';
import { openDeadLetters } from '../src/adapters/embedded/dead-letters.js';
import { openReadStore } from '../src/adapters/embedded/read-store/open-read-store.js';
import { embeddedEventStore } from '../src/adapters/embedded/log/event-store.js';
import { openEventLog } from '../src/adapters/embedded/log/open-event-log.js';
import { loadConfig } from '../src/platform/config.js';
import { silentLogger } from '../src/platform/logger.js';
import { createMetrics } from '../src/platform/metrics.js';
import { compareWithLog } from '../src/read-side/fold-and-compare.js';
import { rebuild } from '../src/read-side/rebuild.js';
import { readOrMakeLogIdentity } from '../src/wire/log-identity.js';

/**
 * Computes the read models of a stopped service's DATA_DIR again beside the active ones, compares
 * them with the log, and with --promote makes them active. With --compare it only compares the
 * active ones. Exits 1 on any difference.
 */

const { values } = parseArgs({
  options: {
    promote: { type: 'boolean', default: false },
    compare: { type: 'boolean', default: false },
  },
});

const { dataDir } = loadConfig();
const logger = silentLogger();
const metrics = createMetrics({ processMetrics: false });
const eventStore = embeddedEventStore(await openEventLog({ directory: dataDir, logger }));
const readStore = await openReadStore({ dataDir, logger });
const deadLetters = await openDeadLetters({ dataDir });
try {
  const active = await readStore.active();
  if (values.compare) {
    if (active === null) throw new Error('There are no read models yet.');
    const documents = readStore.documents(active.name);
    const { differences, ...result } = await compareWithLog({ eventStore, documents });
    console.log(result, differences.slice(0, 3));
    process.exitCode = result.equal ? 0 : 1;
  } else {
    const logId = await readOrMakeLogIdentity(eventStore, randomUUID());
    const numbers = (await readStore.versions()).map(({ name }) => Number(name.slice(1)));
    const version = `v${Math.max(0, ...numbers) + 1}`;
    const { comparison, ...result } = await rebuild({
      ...{ eventStore, readStore, deadLetters, logId, logger, metrics, version },
      onProgress: ({ events }) => console.log(`${events.toLocaleString('en')} events`),
    });
    console.log(result, comparison);
    if (comparison?.equal !== true) process.exitCode = 1;
    else if (values.promote) {
      await readStore.promote(version);
      console.log(`${version} is active, after ${active?.name ?? 'none'}.`);
    }
  }
} finally {
  await deadLetters.close();
  await readStore.close();
  await eventStore.close();
}
