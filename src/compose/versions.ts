import { randomUUID } from 'node:crypto';
import { ConfigError, type Config } from '../platform/config/config.js';
import type { EventStore } from '../ports/event-store.js';
import type { ReadStore, VersionRecord } from '../ports/read-store.js';
import { readLogIdentity, readOrMakeLogIdentity } from '../wire/log-identity.js';
import type { Dependencies } from './dependencies.js';
import { isMongodb } from './read-store.js';
import { eventStoreServer, mongodbServer } from './servers.js';
import { whenAvailable } from './when-available.js';

type WaitingDependencies = Pick<Dependencies, 'config' | 'logger' | 'servers'> & {
  readonly signal: AbortSignal;
};

/** Resolves once the event store answers, and lets this user do what is asked for. */
export const whenEventStore = <T>(
  { config, logger, signal, servers }: WaitingDependencies,
  ask: () => Promise<T>,
): Promise<T> => {
  const server = eventStoreServer(config);
  return whenAvailable(ask, { server, logger, signal, onWait: servers?.waits });
};

/** Which log this is, for those who also follow it; an event store that is not up yet is waited for. */
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
 * The versions that this release can read and feed; where there is none, one is made. In a new store
 * it is active at once, else it is built beside the active one.
 */
export const ownVersions = async (
  readStore: ReadStore,
  logId: string,
): Promise<readonly VersionRecord[]> => {
  for (;;) {
    const versions = await readStore.versions();
    const own = versions.filter((version) => version.logId === logId && isOwn(readStore, version));
    if (own.length > 0) return own;
    // Another release may take the same name at the same moment: then the next one is tried.
    await readStore.createVersion(nextName(versions), logId);
  }
};

/** Whether its documents are computed and stored as this release does it. */
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
 * The versions of the read models that this process feeds. Rejects with a ConfigError where any is of
 * another log.
 */
export const versionsOf = async (
  { config, logger, signal, servers }: WaitingDependencies,
  { readStore, logId }: { readonly readStore: ReadStore; readonly logId: string },
): Promise<readonly VersionRecord[]> => {
  const find = async (): Promise<readonly VersionRecord[]> => {
    refuseForeign(config, await readStore.versions(), logId);
    const versions = await ownVersions(readStore, logId);
    // For an existing version this completes a creation that a crash interrupted.
    return await Promise.all(versions.map(({ name }) => readStore.createVersion(name, logId)));
  };
  const server = mongodbServer(config);
  if (server === null) return await find();
  return await whenAvailable(find, { server, logger, signal, onWait: servers?.waits });
};

/** Throws a ConfigError where read models are of another log. */
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

/** The log that a job works on, which a service must have used before. */
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
