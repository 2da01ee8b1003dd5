import { randomUUID } from 'node:crypto';
import { pause, retry } from '../platform/async/retry.js';
import { type Config, ConfigError } from '../platform/config/config.js';
import type { EventStore } from '../ports/event-store.js';
import type { ReadStore, VersionRecord } from '../ports/read-store.js';
import { headsOf, lateOf } from '../read-side/audit/heads.js';
import { forgetDeleted } from '../read-side/rebuild/watch.js';
import type { Dependencies } from './dependencies.js';
import { readLogIdentity, readOrMakeLogIdentity } from './log-identity.js';
import { isMongodb } from './read-store.js';
import { eventStoreServer, mongodbServer } from './servers.js';
import { whenAvailable } from './when-available.js';

type WaitingDependencies = Pick<Dependencies, 'config' | 'logger' | 'servers'> & {
  readonly signal: AbortSignal;
};

/** Retries until the event store answers, and grants this user the request. */
export const whenEventStore = <T>(
  { config, logger, signal, servers }: WaitingDependencies,
  ask: () => Promise<T>,
): Promise<T> => {
  const server = eventStoreServer(config);
  return whenAvailable(ask, { server, logger, signal, onWait: servers?.waits });
};

/** The identity of the log; waits for an event store that is not up yet. */
export const identifyLog = async (
  dependencies: WaitingDependencies,
  eventStore: EventStore,
): Promise<string> => {
  const logId = await whenEventStore(dependencies, async () => {
    await eventStore.pingAll();
    return await readOrMakeLogIdentity(eventStore, randomUUID());
  });
  dependencies.servers?.connected('event-store', async () => {
    await eventStore.ping();
    await eventStore.pingAll();
  });
  return logId;
};

/**
 * The versions of this release's fingerprint; creates one where there is none. In an empty store it is
 * active at once, else it is built beside the active one.
 */
export const ownVersions = async (
  readStore: ReadStore,
  logId: string,
): Promise<readonly VersionRecord[]> => (await findOrCreateOwn(readStore, logId)).own;

interface FoundVersions {
  readonly own: readonly VersionRecord[];
  readonly areNew: boolean;
}

const findOrCreateOwn = async (readStore: ReadStore, logId: string): Promise<FoundVersions> => {
  const isOurs = (version: VersionRecord): boolean =>
    version.logId === logId && isOwn(readStore, version);
  for (;;) {
    const versions = await readStore.versions();
    const own = versions.filter(isOurs);
    if (own.length > 0) return { own, areNew: false };
    // Another release may take the same name at the same moment: the loop then tries the next one.
    const created = await readStore.createVersion(nextName(versions), logId);
    if (isOurs(created)) return { own: [created], areNew: true };
  }
};

/** Whether this release computes and stores documents in the same way. */
export const isOwn = ({ fingerprint }: ReadStore, version: VersionRecord): boolean =>
  version.fingerprint === fingerprint;

export const otherFingerprint = (name: string): string =>
  `${name} has another fingerprint: another release computed it, and only that one can read it. ` +
  'anime-analytics rebuild builds a version of this release beside it.';

export const nextName = (versions: readonly VersionRecord[]): string => {
  const numbers = versions.map(({ name }) => Number(/^v(\d+)$/.exec(name)?.[1] ?? 0));
  return `v${Math.max(0, ...numbers) + 1}`;
};

/**
 * The versions of the read models that this process updates. Rejects with a ConfigError where any
 * belongs to another log.
 */
export const versionsOf = async (
  { config, logger, signal, servers }: WaitingDependencies,
  { readStore, logId }: { readonly readStore: ReadStore; readonly logId: string },
): Promise<readonly VersionRecord[]> => {
  const find = async (): Promise<readonly VersionRecord[]> => {
    refuseForeign(config, await readStore.versions(), logId);
    const { own, areNew } = await findOrCreateOwn(readStore, logId);
    if (areNew) return own;
    // For an existing version this completes a creation that a crash interrupted.
    return await Promise.all(own.map(({ name }) => readStore.createVersion(name, logId)));
  };
  const server = mongodbServer(config);
  if (server === null) return await find();
  return await whenAvailable(find, { server, logger, signal, onWait: servers?.waits });
};

/** Throws a ConfigError where read models belong to another log. */
export const refuseForeign = (
  config: Config,
  versions: readonly VersionRecord[],
  logId: string,
): void => {
  const foreign = versions.find((version) => version.logId !== logId);
  if (foreign === undefined) return;
  const { setting, where, remove } = readModelsLocation(config);
  throw new ConfigError(
    `${setting}: the read models in ${where} are of another event log (${foreign.logId}, not ` +
      `${logId}). Point EVENTSTORE_URL or ${setting} to that log, or ${remove}: they are built ` +
      'again from the log.',
  );
};

/** The identity of the log, for a job: a service must have used the log before. */
export const knownLog = async (eventStore: EventStore): Promise<string> => {
  const logId = await readLogIdentity(eventStore);
  if (logId !== null) return logId;
  throw new ConfigError(
    'EVENTSTORE_URL, DATA_DIR: no service has worked on this event log yet, so there is nothing to do.',
  );
};

const readModelsLocation = (config: Config) =>
  isMongodb(config)
    ? {
        setting: 'MONGODB_DATABASE',
        where: `the database ${config.mongodb.database}`,
        remove: 'drop that database',
      }
    : {
        setting: 'DATA_DIR',
        where: `${config.dataDir}/read-models`,
        remove: 'delete that folder',
      };

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
