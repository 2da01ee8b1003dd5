import { randomUUID } from 'node:crypto';
import { ConfigError, type Config } from '../platform/config.js';
import type { EventStore } from '../ports/event-store.js';
import type { ReadStore, VersionRecord } from '../ports/read-store.js';
import { readOrMakeLogIdentity } from '../wire/log-identity.js';
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
    ...{ server: 'event store', logger, signal },
  });

/**
 * The versions of the read models; in a new store the first one is made. Rejects with a ConfigError
 * where they are of another log.
 */
export const versionsOf = async (
  { config }: Pick<Needs, 'config'>,
  { readStore, logId }: { readonly readStore: ReadStore; readonly logId: string },
): Promise<readonly VersionRecord[]> => {
  const versions = await readStore.versions();
  const foreign = versions.find((version) => version.logId !== logId);
  if (foreign !== undefined) {
    const { setting, where, remove } = placeOf(config);
    throw new ConfigError(
      `${setting}: the read models in ${where} are of another event log (${foreign.logId}, not ` +
        `${logId}). Point EVENTSTORE_URL or ${setting} to that log, or ${remove}: they are built ` +
        'again from the log.',
    );
  }
  const names = versions.length > 0 ? versions.map(({ name }) => name) : [FIRST_VERSION];
  // Of one that is there this only makes sure that it was made to its end.
  return await Promise.all(names.map((name) => readStore.createVersion(name, logId)));
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
