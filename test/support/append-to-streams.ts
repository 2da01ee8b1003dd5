import { randomUUID } from 'node:crypto';
import { writeSync } from 'node:fs';
import { openEventLog } from '../../src/embedded-eventstore/log/open-event-log.js';
import { silentLogger } from '../../src/platform/observability/logger.js';

/**
 * A process of its own that appends batches of three to some streams at once until somebody kills
 * it, and keeps the index of links up to date. It says `sent <stream> <ids>` before an append and `done <stream> <ids>` after it.
 */
const [directory = '', ...streams] = process.argv.slice(2);
const log = await openEventLog({ directory, logger: silentLogger() });

/** Waits where nobody reads on: what is said must be out before the append begins. */
const say = (line: string): number => writeSync(1, line);

const newEvents = () =>
  [0, 1, 2].map((n) => ({
    id: randomUUID(),
    type: 'CrashTested',
    data: Buffer.from(JSON.stringify({ n, filling: 'x'.repeat(Math.floor(Math.random() * 9000)) })),
    metadata: Buffer.from('{}'),
    isJson: true,
  }));

const appendForEver = async (stream: string): Promise<never> => {
  for (;;) {
    const events = newEvents();
    const ids = events.map(({ id }) => id).join(' ');
    say(`sent ${stream} ${ids}\n`);
    const { kind } = await log.append(stream, log.head(stream), events);
    if (kind !== 'written') throw new Error(`An append was answered ${kind}.`);
    say(`done ${stream} ${ids}\n`);
    await log.indexLinks();
  }
};

await Promise.all(streams.map(appendForEver));
