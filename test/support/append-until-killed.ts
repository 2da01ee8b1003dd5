import { randomUUID } from 'node:crypto';
import { embeddedEventStore } from '../../src/adapters/embedded/log/event-store.js';
import { openEventLog } from '../../src/adapters/embedded/log/open-event-log.js';
import { silentLogger } from '../../src/platform/logger.js';

/**
 * `node append-until-killed.js DIRECTORY STREAM`: a process that owns a log, says which ids it is
 * about to append, and says so again when they are safe.
 */
const [directory = '', stream = ''] = process.argv.slice(2);
const log = await openEventLog({ directory, logger: silentLogger() });
const store = embeddedEventStore(log);
// A test that dies must not leave its writer behind.
process.stdin.on('end', () => process.exit()).resume();

for (let last = await store.head(stream); ;) {
  const ids = [randomUUID(), randomUUID(), randomUUID()];
  process.stdout.write(`trying ${ids.join(' ')}\n`);
  const events = ids.map((id) => ({ id, type: 'ContractTested', data: {}, metadata: {} }));
  last = (await store.append(stream, last, events)).revision;
  process.stdout.write(`safe ${ids.join(' ')}\n`);
}
