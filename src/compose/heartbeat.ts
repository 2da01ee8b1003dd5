import { pause } from '../platform/async/retry.js';
import type { ReadStore } from '../ports/read-store.js';
import type { Needs } from './needs.js';

const EVERY_MS = 5_000;
/** So that a version that has just begun to be fed is not taken for one that nobody feeds. */
const UNTIL_FIRST_MS = 200;

export interface HeartbeatOptions {
  readonly readStore: ReadStore;
  /** The versions that this process feeds now. */
  readonly fed: () => readonly string[];
  readonly everyMs?: number;
}

/** Notes in the read store which versions are fed: processes that only answer queries cannot know it. */
export const openHeartbeat = async (
  { life, logger }: Pick<Needs, 'life' | 'logger'>,
  { readStore, fed, everyMs = EVERY_MS }: HeartbeatOptions,
): Promise<void> => {
  const stopping = new AbortController();
  const beat = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      const versions = fed();
      try {
        for (const name of versions) await readStore.documents(name).noteFed(new Date());
      } catch (error) {
        logger.warn('The heartbeat of the read models could not be stored', { error });
      }
      await pause(versions.length > 0 ? everyMs : UNTIL_FIRST_MS, stopping.signal);
    }
  };
  let beating: Promise<void> = Promise.resolve();
  await life.open(
    'heartbeat',
    () => {
      beating = beat();
      return Promise.resolve();
    },
    async () => {
      stopping.abort();
      await beating;
    },
  );
};
