import { randomUUID } from 'node:crypto';
import { ConfigError, type Config } from '../platform/config.js';
import type { EventStore } from '../ports/event-store.js';
import type { ReadStore, VersionRecord } from '../ports/read-store.js';
import { readLogIdentity, readOrMakeLogIdentity } from '../wire/log-identity.js';
import type { Needs } from './needs.js';
import { isMongodb } from './read-store.js';
import { whenAvailable } from './when-available.js';

const FIRST_VERSION = 'v1';

/** Which log this is; an event store that is not up yet is waited for. */
export const identifyLog = (
  { logger, signal }: Pick<Needs, 'logger'> & { readonly signal: AbortSignal },
  eventStore: EventStore,
): Promise<string> =>
  whenAvailable(() => readOrMakeLogIdentity(eventStore, randomUUID()), {
    ...{ server: 'event store', settings: 'EVENTSTORE_URL', logger, signal },
  });

/** The first version of the read models, which is active at once. */
export const firstVersion = (readStore: ReadStore, logId: string): Promise<VersionRecord> =>
  readStore.createVersion(FIRST_VERSION, logId);

/**
 * The versions of the read models; in a new store the first one is made. Rejects with a ConfigError
 * where they are of another log.
 */
export const versionsOf = async (
  { config }: Pick<Needs, 'config'>,
  { readStore, logId }: { readonly readStore: ReadStore; readonly logId: string },
): Promise<readonly VersionRecord[]> => {
  const versions = await readStore.versions();
  refuseForeign(config, versions, logId);
  if (versions.length === 0) return [await firstVersion(readStore, logId)];
  // Of one that is there this only makes sure that it was made to its end.
  return await Promise.all(versions.map(({ name }) => readStore.createVersion(name, logId)));
};

/** Throws a ConfigError where read models are of another log. */
export const refuseForeign = (
  config: Config,
  versions: readonly VersionRecord[],
  logId: string,
): void => {
  const foreign = versions.find((version) => version.logId !== logId);
  if (foreign === undefined) return;
  const { setting, where, remove } = placeOf(config);
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

const placeOf = (config: Config) =>
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
