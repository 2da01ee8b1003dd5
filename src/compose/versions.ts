import { randomUUID } from 'node:crypto';
import { ConfigError, type Config } from '../platform/config/config.js';
import type { EventStore } from '../ports/event-store.js';
import type { ReadStore, VersionRecord } from '../ports/read-store.js';
import { readLogIdentity, readOrMakeLogIdentity } from './log-identity.js';
import type { Dependencies } from './dependencies.js';
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
