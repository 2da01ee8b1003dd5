import { backoffMs, pause } from '../platform/async/retry.js';
import type { EventStore } from '../ports/event-store.js';
import type { ReadStore, VersionRecord } from '../ports/read-store.js';
import { headsOf, lateOf } from '../read-side/audit/heads.js';
import { forgetDeleted } from '../read-side/rebuild/watch.js';
import type { Dependencies } from './dependencies.js';
import { isOwn } from './versions.js';

export interface ActivateOwnOptions {
  readonly readStore: ReadStore;
  readonly eventStore: EventStore;
  /** Fed by this process, and of its fingerprint. */
  readonly own: readonly VersionRecord[];
  /** Whether all that the log holds is in the documents, as far as the bus can tell. */
  readonly caughtUp: () => boolean;
  readonly lookEveryMs?: number;
}

export interface Activation {
  /** How far the version is that will be made active, in a sentence. */
  readonly progress: () => string;
}

const ACTIVATION_BACKOFF = { baseMs: 500, maxMs: 10_000 };

/**
 * Where the active version has another fingerprint, the newest one of this release is made active as
 * soon as it holds all that the log held at the start. The version before it is kept, so that the
 * release before can serve it again at once; all others of other fingerprints are removed, so that no
 * more than two sets of documents are on the disk.
 */
export const activateOwn = async (
  { lifecycle, logger }: Pick<Dependencies, 'lifecycle' | 'logger'>,
  { readStore, eventStore, own, caughtUp, lookEveryMs = 1_000 }: ActivateOwnOptions,
): Promise<Activation> => {
  const stopping = new AbortController();
  const { signal } = stopping;
  let progress = '';

  const build = async (name: string): Promise<void> => {
    progress = `${name} is being built from the log.`;
    const heads = await headsOf(eventStore, signal);
    const total = [...heads.values()].reduce((sum, head) => sum + head + 1, 0);
    const documents = readStore.documents(name);
    for (;;) {
      signal.throwIfAborted();
      const bus = caughtUp();
      const late = await lateOf(documents, heads);
      const missing = late.reduce((sum, { by }) => sum + by, 0);
      if (missing === 0 || bus) return;
      const share = Math.floor((100 * (total - missing)) / total);
      progress = `${name} is being built from the log: ${total - missing} of ${total} events (${share} %).`;
      await forgetDeleted(eventStore, heads, late);
      await pause(lookEveryMs, signal);
    }
  };

  const replace = async (before: VersionRecord, name: string): Promise<void> => {
    logger.warn('The active read models have another fingerprint: they are built anew', {
      ...{ active: before.name, theirs: before.fingerprint, ours: readStore.fingerprint, name },
    });
    await build(name);
    await readStore.markReady(name);
    await readStore.promote(name);
    logger.info('The read models of this release are active', { version: name });
    for (const version of await readStore.versions()) {
      if (isOwn(readStore, version) || version.name === before.name) continue;
      await readStore.prune(version.name);
      logger.info('Read models of an older release are removed', { version: version.name });
    }
  };

  const run = async (): Promise<void> => {
    for (let attempt = 0; ; attempt += 1) {
      try {
        signal.throwIfAborted();
        const active = await readStore.active();
        const version = own.at(-1);
        if (active === null || version === undefined || isOwn(readStore, active)) return;
        await replace(active, version.name);
        return;
      } catch (error) {
        if (stopping.signal.aborted) return;
        logger.error('The read models of this release could not be made active yet', { error });
        await pause(backoffMs(attempt, ACTIVATION_BACKOFF), signal);
      }
    }
  };

  let running: Promise<void> = Promise.resolve();
  await lifecycle.open(
    'read models of this release',
    () => {
      running = run();
      return Promise.resolve();
    },
    async () => {
      stopping.abort();
      await running;
    },
  );
  return { progress: () => progress };
};
