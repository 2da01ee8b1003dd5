import { pause } from '../platform/async/retry.js';
import { UnavailableError } from '../ports/errors.js';
import type { ReadStore, VersionRecord } from '../ports/read-store.js';
import type { Dependencies } from './dependencies.js';
import { isOwn } from './versions.js';

/** Six missed heartbeats. */
const SILENT_AFTER_MS = 30_000;

export interface ReadModelsHealth {
  readonly readStore: ReadStore;
  /** Whether this process updates the version; then no stored heartbeat is needed. */
  readonly feeds: (version: string) => boolean;
  /** What to do about an active version of another release. */
  readonly remedy: () => string;
  readonly now?: () => number;
}

/**
 * Two health checks. `read-models`: this release can read the active version, and a projector has
 * updated it at least once. `read-models-fed`: a projector updates it now; stale documents can still be
 * served, so this one does not make the process unready.
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
    throw new UnavailableError(
      `No projector has updated the active version ${name} yet. ${START_PROJECTOR}`,
    );
  });

  health.register(
    'read-models-fed',
    async () => {
      const { name } = await active();
      const silence = await silenceOf(name);
      if (silence !== null && silence < SILENT_AFTER_MS) return;
      const since = silence === null ? 'yet' : `for ${Math.round(silence / 1000)} s`;
      throw new UnavailableError(
        `The lag of the active version ${name} is unknown: no projector has updated it ${since}. ${START_PROJECTOR}`,
      );
    },
    { neededToServe: false },
  );
};

const START_PROJECTOR = 'Start one (serve projector), or restart the process that serves all.';

const HEARTBEAT_EVERY_MS = 5_000;
/** Short, so that a version with a new projector does not look abandoned. */
const UNTIL_FIRST_MS = 200;

interface HeartbeatOptions {
  readonly readStore: ReadStore;
  /** The versions that this process updates now. */
  readonly fed: () => readonly string[];
  readonly everyMs?: number;
}

/** Stores which versions are being updated, for processes that only serve queries. */
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
        logger.warn('Could not store the heartbeat of the read models', { error });
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
