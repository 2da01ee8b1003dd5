import { createEventStoreDbStore } from '../../src/adapters/eventstoredb/event-store.js';
import { silentLogger } from '../../src/platform/observability/logger.js';
import { newEvents } from '../contract/event-store/given.js';
import type { KilledWriter } from '../contract/event-store/target.js';
import { startEmbeddedNode } from './embedded-node.js';
import { eventually } from './eventually.js';
import { temporaryDirectory } from './temporary-directory.js';

const ROUNDS = 4;

/** A writer whose server is killed and comes back, several times, while it appends. */
export const killServers = async (
  stream: string,
  { batchAppend }: { readonly batchAppend: boolean },
): Promise<KilledWriter> => {
  const directory = await temporaryDirectory();
  const dataDir = directory.path;
  let node = await startEmbeddedNode({ dataDir, batchAppend });
  const { port, connectionString } = node;
  const store = createEventStoreDbStore({ connectionString, logger: silentLogger() });
  const batches: { ids: string[]; acknowledged: boolean }[] = [];

  const appendUntilKilled = async (safeBatches: number) => {
    let last = await eventually(() => store.head(stream), { withinMs: 30_000 });
    let killed: Promise<void> | undefined;
    for (let safe = 0; ; safe += 1) {
      const events = newEvents(3);
      const batch = { ids: events.map(({ id }) => id), acknowledged: false };
      batches.push(batch);
      const appending = store.append(stream, last, events, { timeoutMs: 2000 });
      if (safe === safeBatches) killed = node.kill('SIGKILL');
      try {
        last = (await appending).revision;
        batch.acknowledged = true;
      } catch {
        break;
      }
    }
    await killed;
  };

  for (let round = 1; round <= ROUNDS; round += 1) {
    await appendUntilKilled(7 * round);
    node = await startEmbeddedNode({ dataDir, port, batchAppend });
  }
  const found = await eventually(
    async () => {
      const events = [];
      for await (const event of store.read(stream)) events.push(event);
      return events;
    },
    { withinMs: 30_000 },
  );
  await store.close();
  await node.stop();
  await directory.remove();
  return { batches, found };
};
