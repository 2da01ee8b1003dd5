import { randomUUID } from 'node:crypto';
import { writeSync } from 'node:fs';
import { createEmbeddedEventStore } from '../../src/adapters/embedded/event-store.js';
import { openEventLog } from '../../src/embedded-eventstore/log/open-event-log.js';
import { silentLogger } from '../../src/platform/observability/logger.js';

/**
 * `node append-until-killed.js DIRECTORY STREAM`: a process that owns a log, says which ids it is
 * about to append, and says so again when they are safe.
 */
const [directory = '', stream = ''] = process.argv.slice(2);
const log = await openEventLog({ directory, logger: silentLogger() });
const store = createEmbeddedEventStore(log);
// A test that dies must not leave its writer behind.
process.stdin.on('end', () => process.exit()).resume();

/** Waits where nobody reads on: what is said must be out before the append begins. */
const say = (line: string): number => writeSync(1, line);

for (let last = await store.head(stream); ;) {
  const ids = [randomUUID(), randomUUID(), randomUUID()];
  say(`trying ${ids.join(' ')}\n`);
  const events = ids.map((id) => ({ id, type: 'ContractTested', data: {}, metadata: {} }));
  last = (await store.append(stream, last, events)).revision;
  say(`safe ${ids.join(' ')}\n`);
}
