import { randomUUID } from 'node:crypto';
import { inProcessBus } from '../adapters/embedded/bus/bus.js';
import { openDeadLetters } from '../adapters/embedded/dead-letters.js';
import { openReadStore } from '../adapters/embedded/read-store/open-read-store.js';
import { createBridge, type Bridge } from '../bridge/bridge.js';
import { ConfigError } from '../platform/config.js';
import type { EventStore } from '../ports/event-store.js';
import type { ReadStore, VersionRecord } from '../ports/read-store.js';
import { createProjector } from '../read-side/projector.js';
import { UnavailableError } from '../ports/errors.js';
import { readOrMakeLogIdentity } from '../wire/log-identity.js';
import { ownDataDirectory } from './data-directory.js';
import { lowestFlushed } from './lowest-flushed.js';
import type { Needs } from './needs.js';
import { whenAvailable } from './when-available.js';

export interface ReadSide {
  readonly readStore: ReadStore;
  readonly bridge: Bridge;
}

const FIRST_VERSION = 'v1';

/** From the log to documents: the read store, a projector per version, and the bridge that feeds them. */
export const openReadSide = async (
  needs: Needs,
  { eventStore, signal }: { readonly eventStore: EventStore; readonly signal: AbortSignal },
): Promise<ReadSide> => {
  const { config, logger, life, metrics, health } = needs;
  const { dataDir } = config;
  await ownDataDirectory(needs);
  const identity = (): Promise<string> => readOrMakeLogIdentity(eventStore, randomUUID());
  const logId = await whenAvailable(identity, { logger, signal });
  const deadLetters = await life.open(
    'dead letters',
    () => openDeadLetters({ dataDir }),
    (opened) => opened.close(),
  );
  const readStore = await life.open(
    'read store',
    () => openReadStore({ dataDir, logger }),
    (opened) => opened.close(),
  );
  const versions = await versionsOf(readStore, logId, dataDir);
  const bus = await life.open(
    'bus',
    () => inProcessBus({ logger }),
    (opened) => opened.close(),
  );
  const shared = { eventStore, deadLetters, logId, logger, metrics };
  for (const { name } of versions) {
    const projector = createProjector({ ...shared, documents: readStore.documents(name) });
    const consumer = bus.consumer(`${config.kafka.group}-${name}`);
    await life.open(
      `projector of ${name}`,
      () => consumer.start(projector.handle),
      () => consumer.stop(),
    );
    health.register(`projector-${name}`, () =>
      unless(consumer.healthy(), projector.refusal() ?? 'The projector does not run.'),
    );
  }
  const bridge = createBridge({
    ...shared,
    bus,
    flushed: lowestFlushed(versions.map(({ name }) => readStore.documents(name))),
    // The owner of a data directory has no rival there; on a server there may be one.
    ...(config.eventStore.url === '' ? { takeOverAfterMs: 0 } : {}),
  });
  await life.open(
    'bridge',
    () => bridge.start(),
    () => bridge.stop(),
  );
  health.register('read-store', () => readStore.ping());
  health.register('bridge', () =>
    unless(bridge.healthy(), bridge.status().problem ?? 'The bridge does not get on.'),
  );
  return { readStore, bridge };
};

const unless = (fine: boolean, problem: string): Promise<void> =>
  fine ? Promise.resolve() : Promise.reject(new UnavailableError(problem));

/** Every version that is not pruned is fed; in a new store the first one is made. */
const versionsOf = async (
  readStore: ReadStore,
  logId: string,
  dataDir: string,
): Promise<readonly VersionRecord[]> => {
  const versions = await readStore.versions();
  const foreign = versions.find((version) => version.logId !== logId);
  if (foreign !== undefined) {
    throw new ConfigError(
      `DATA_DIR: the read models in ${dataDir}/read-models are of another event log (${foreign.logId}, ` +
        `not ${logId}). Point EVENTSTORE_URL or DATA_DIR to that log, or delete the folder: it is ` +
        'built again from the log.',
    );
  }
  return versions.length > 0 ? versions : [await readStore.createVersion(FIRST_VERSION, logId)];
};
