import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { createEmbeddedEventStore } from '../../src/adapters/embedded/event-store.js';
import { openEventLog } from '../../src/embedded-eventstore/log/open-event-log.js';
import { silentLogger } from '../../src/platform/observability/logger.js';
import type { RecordedEvent } from '../../src/ports/event-store.js';
import { temporaryDirectory } from './temporary-directory.js';

const MAIN = fileURLToPath(new URL('./append-until-killed.js', import.meta.url));
const ROUNDS = 4;

/** Several processes, one after the other, own a log and append to it until they are killed. */
export const killWriters = async (stream: string) => {
  const directory = await temporaryDirectory();
  const lines: string[] = [];
  for (let round = 1; round <= ROUNDS; round += 1) {
    lines.push(...(await linesUntilKilled(directory.path, stream, 7 * round)));
  }
  const log = await openEventLog({ directory: directory.path, logger: silentLogger() });
  const found: RecordedEvent[] = [];
  for await (const event of createEmbeddedEventStore(log).read(stream)) found.push(event);
  await log.close();
  await directory.remove();
  const batches = lines.flatMap((line) => {
    const [word, ...ids] = line.split(' ');
    const acknowledged = lines.includes(`safe ${ids.join(' ')}`);
    return word === 'trying' ? [{ ids, acknowledged }] : [];
  });
  return { batches, found };
};

const linesUntilKilled = async (directory: string, stream: string, safeBatches: number) => {
  const child = spawn(process.execPath, [MAIN, directory, stream], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line);
    const safe = lines.filter((one) => one.startsWith('safe')).length;
    if (safe === safeBatches) child.kill('SIGKILL');
  }
  // What was said before the kill and only read after it counts: it was acknowledged.
  return lines;
};
