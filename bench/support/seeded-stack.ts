import { createEmbeddedEventStore } from '../../src/adapters/embedded/event-store.js';
import { openEventLog } from '../../src/embedded-eventstore/log/open-event-log.js';
import { silentLogger } from '../../src/platform/observability/logger.js';
import type { RecordedEvent } from '../../src/ports/event-store.js';
import { startEmbeddedNode } from '../../test/support/embedded-node.js';
import { fourProcesses, type FourProcesses } from '../../test/support/stack/four-processes.js';
import { temporaryDirectory } from '../../test/support/temporary-directory.js';
import { seedLog, type SeedOptions } from './seed-log.js';

export interface Servers {
  readonly kafka: string;
  readonly mongodb: string;
}

export interface SeededStack extends FourProcesses {
  readonly events: number;
  readonly eventStorePid: number;
  /** The first of them, as the log has them. */
  readonly sample: readonly RecordedEvent[];
}

const SAMPLE = 50_000;

/** The four roles, not yet started, on an event store whose log is full already. */
export const withSeededStack = async <T>(
  { kafka, mongodb }: Servers,
  seed: SeedOptions,
  use: (stack: SeededStack) => Promise<T>,
): Promise<T> => {
  const directory = await temporaryDirectory();
  try {
    const { events, sample } = await fill(directory.path, seed);
    const node = await startEmbeddedNode({ dataDir: directory.path });
    const eventStore = node.connectionString;
    const settings = { KAFKA_PARTITIONS: '6' };
    const stack = await fourProcesses({ eventStore, kafka, mongodb }, settings);
    try {
      return await use({ ...stack, events, eventStorePid: node.pid, sample });
    } finally {
      await stack.stop();
      await node.stop();
    }
  } finally {
    await directory.remove();
  }
};

const fill = async (directory: string, seed: SeedOptions) => {
  const store = createEmbeddedEventStore(await openEventLog({ directory, logger: silentLogger() }));
  const events = await seedLog(store, seed);
  const sample: RecordedEvent[] = [];
  const { signal } = new AbortController();
  const options = { after: 'start', streamPrefix: 'anime-', signal } as const;
  for await (const delivery of store.subscribeToAll(options)) {
    if (delivery.kind === 'event') sample.push(delivery.event);
    if (delivery.kind === 'caught-up' || sample.length === SAMPLE) break;
  }
  await store.close();
  return { events, sample };
};
