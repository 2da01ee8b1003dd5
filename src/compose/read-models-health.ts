import { pause } from '../platform/async/retry.js';
import { UnavailableError } from '../ports/errors.js';
import type { ReadStore, VersionRecord } from '../ports/read-store.js';
import type { Dependencies } from './dependencies.js';
import { isOwn } from './versions.js';

/** Six heartbeats. */
const SILENT_AFTER_MS = 30_000;

export interface ReadModelsHealth {
  readonly readStore: ReadStore;
  /** Whether this process feeds the version; then nobody else's heartbeat is asked for. */
  readonly feeds: (version: string) => boolean;
  /** What is done about an active version of another release. */
  readonly remedy: () => string;
  readonly now?: () => number;
}

/**
 * Whether queries are answered from documents that this release can read and somebody keeps up to
 * date. Documents that were fed once are still answers, so their silence alone does not take the
 * process out of service; a version that nobody ever fed is a mistake in the configuration.
 */
export const watchReadModels = (
  { health }: Pick<Dependencies, 'health'>,
  { readStore, feeds, remedy, now = Date.now }: ReadModelsHealth,
): void => {
  const active = async (): Promise<VersionRecord> => {
    const version = await readStore.active();
    if (version === null) throw new UnavailableError('There are no read models yet.');
    if (isOwn(readStore, version)) return version;
    throw new UnavailableError(
      `The active version ${version.name} of the read models has another fingerprint ` +
        `(${version.fingerprint ?? 'none'}, not ${readStore.fingerprint}). ${remedy()}`,
    );
  };

  /** Milliseconds since the last heartbeat; null where there was none. */
  const silenceOf = async (name: string): Promise<number | null> => {
    if (feeds(name)) return 0;
    const at = await readStore.documents(name).fedAt();
    return at === null ? null : now() - at.getTime();
  };

  health.register('read-models', async () => {
    const { name } = await active();
    if ((await silenceOf(name)) !== null) return;
    throw new UnavailableError(`Nobody has fed the active version ${name} yet. ${FEED_IT}`);
  });

  health.register(
    'read-models-fed',
    async () => {
      const { name } = await active();
      const silence = await silenceOf(name);
      if (silence !== null && silence < SILENT_AFTER_MS) return;
      const since = silence === null ? 'yet' : `for ${Math.round(silence / 1000)} s`;
      throw new UnavailableError(
        `The lag of the active version ${name} is unknown: nobody has fed it ${since}. ${FEED_IT}`,
      );
    },
    { neededToServe: false },
  );
};

const FEED_IT =
  'Start a projector (serve projector), or restart the process that serves all and publishes the log.';

const HEARTBEAT_EVERY_MS = 5_000;
/** So that a version that has just begun to be fed is not taken for one that nobody feeds. */
const UNTIL_FIRST_MS = 200;

interface HeartbeatOptions {
  readonly readStore: ReadStore;
  /** The versions that this process feeds now. */
  readonly fed: () => readonly string[];
  readonly everyMs?: number;
}

/** Notes in the read store which versions are fed: processes that only answer queries cannot know it. */
export const openHeartbeat = async (
  { lifecycle, logger }: Pick<Dependencies, 'lifecycle' | 'logger'>,
  { readStore, fed, everyMs = HEARTBEAT_EVERY_MS }: HeartbeatOptions,
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
  await lifecycle.open(
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
