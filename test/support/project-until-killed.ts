import { randomUUID } from 'node:crypto';
import { writeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { openEventLog } from '../../src/embedded-eventstore/log/open-event-log.js';
import { openProjectionEngine } from '../../src/embedded-eventstore/projections/open.js';
import { silentLogger } from '../../src/platform/observability/logger.js';
import { CRASH_PROJECTIONS } from './crash-projections.js';

/** A process of its own that appends and projects until somebody kills it. */
const [directory = ''] = process.argv.slice(2);
const log = await openEventLog({ directory, logger: silentLogger() });
const engine = await openProjectionEngine({
  log,
  logger: silentLogger(),
  executionTimeoutMs: 20_000,
});
for (const [name, query] of Object.entries(CRASH_PROJECTIONS)) {
  if (engine.statistics().some((one) => one.name === name)) continue;
  const rest = { emitEnabled: true, trackEmittedStreams: false, mode: 'continuous' } as const;
  await engine.create({ name, query, ...rest });
}

const appendForEver = async (stream: string): Promise<never> => {
  for (;;) {
    const events = Array.from({ length: 20 }, (_, n) => ({
      id: randomUUID(),
      type: 'Clicked',
      data: Buffer.from(JSON.stringify({ by: `user ${n % 7}` })),
      metadata: Buffer.from('{}'),
      isJson: true,
    }));
    await log.append(stream, 'any', events);
    const handled = engine.statistics().map((one) => one.eventsProcessedAfterRestart);
    writeSync(1, `${Math.min(...handled)}\n`);
    // The projections shall be about as far as the log.
    await delay(20);
  }
};

await Promise.all(['film-1', 'film-2', 'film-3'].map(appendForEver));
