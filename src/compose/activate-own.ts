import { pause, retry } from '../platform/async/retry.js';
import type { EventStore } from '../ports/event-store.js';
import type { ReadStore, VersionRecord } from '../ports/read-store.js';
import { headsOf, lateOf } from '../read-side/audit/heads.js';
import { forgetDeleted } from '../read-side/rebuild/watch.js';
import type { Dependencies } from './dependencies.js';
import { isOwn } from './versions.js';

export interface ActivateOwnOptions {
  readonly readStore: ReadStore;
  readonly eventStore: EventStore;
  /** The versions of this release's fingerprint that this process updates. */
  readonly own: readonly VersionRecord[];
  /** Whether the bus has delivered the whole log into the documents. */
  readonly caughtUp: () => boolean;
  readonly lookEveryMs?: number;
}

export interface Activation {
  /** How much of the version to be activated is built, in a sentence. */
  readonly progress: () => string;
}

const ACTIVATION_BACKOFF = { baseMs: 500, maxMs: 10_000 };

/**
 * Where the active version has another fingerprint, the newest version of this release is activated as
 * soon as it holds all events that the log held at the start. The previously active version is kept for
 * a downgrade; all others of other fingerprints are removed, so that the disk holds at most two.
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
    logger.warn('Active read models have another fingerprint: rebuilding them', {
      active: before.name,
      theirs: before.fingerprint,
      ours: readStore.fingerprint,
      name,
    });
    await build(name);
    await readStore.markReady(name);
    await readStore.promote(name);
    logger.info('Read models of this release are active', { version: name });
    for (const version of await readStore.versions()) {
      if (isOwn(readStore, version) || version.name === before.name) continue;
      await readStore.prune(version.name);
      logger.info('Read models of an older release removed', { version: version.name });
    }
  };

  const activate = async (): Promise<void> => {
    signal.throwIfAborted();
    const active = await readStore.active();
    const version = own.at(-1);
    if (active === null || version === undefined || isOwn(readStore, active)) return;
    await replace(active, version.name);
  };

  const run = (): Promise<void> =>
    retry(activate, {
      backoff: ACTIVATION_BACKOFF,
      signal,
      retriable: () => !signal.aborted,
      onFailure: (error) =>
        logger.error('Could not activate the read models of this release; retrying', { error }),
    }).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });

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
