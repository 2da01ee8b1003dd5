import type { DeadLetters } from '../ports/dead-letters.js';
import type { EventStore } from '../ports/event-store.js';
import type { WithProjections } from '../ports/projections.js';
import type { ReadStore } from '../ports/read-store.js';
import type { EraseUser } from '../ports/user-protection.js';
import { isKafka, openDeadLettersOf } from './bus.js';
import { lockDataDirectory, requireDataDirectory } from './data-directory.js';
import type { Dependencies } from './dependencies.js';
import type { ProjectorControl } from './projectors.js';
import { isMongodb, openReadModels } from './read-store.js';
import { openOwnLog, openOwnNode } from './embedded-node.js';
import { openUsers } from './user-protection.js';
import { openEventStoreForJob } from './write-side.js';

/** What a job works on. */
export interface Stores {
  readonly eventStore: EventStore & Partial<WithProjections>;
  readonly readStore: ReadStore;
  /** Opened only by the jobs that need them. */
  readonly deadLetters: () => Promise<DeadLetters>;
  /** Resolves with null where user ids are not protected. */
  readonly eraseUser: () => Promise<EraseUser | null>;
  /** Only where a service runs the job: it starts and stops the projectors of versions. */
  readonly projectorControl?: ProjectorControl;
}

type JobStoreDependencies = Pick<Dependencies, 'config' | 'logger' | 'lifecycle'> & {
  readonly signal: AbortSignal;
};

interface StoresNeeded {
  readonly readOnly: boolean;
  readonly readsLetters: boolean;
  readonly asksProjections: boolean;
}

/**
 * Opens the log and the documents. Rejects with DirectoryInUseError where the job needs embedded parts
 * and another process owns DATA_DIR.
 */
export const openStores = async (
  dependencies: JobStoreDependencies,
  job: StoresNeeded,
): Promise<Stores> => {
  const { config } = dependencies;
  const shared = isMongodb(config) && (isKafka(config) || job.readOnly);
  const embedded = config.eventStore.url === '';
  const readsLetters = job.readsLetters && !isKafka(config);
  if (!shared || embedded || readsLetters) await requireDataDirectory(config, { log: embedded });
  if (!shared && !embedded) await lockDataDirectory(dependencies);
  const openOwn = job.asksProjections ? openOwnNode : openOwnLog;
  const isOwn = embedded && !shared;
  const eventStore = isOwn ? await openOwn(dependencies) : await openEventStoreForJob(dependencies);
  return {
    eventStore,
    readStore: await openReadModels(dependencies),
    deadLetters: () => openDeadLettersOf(dependencies),
    eraseUser: async () => (await openUsers(dependencies, eventStore))?.eraseUser ?? null,
  };
};
