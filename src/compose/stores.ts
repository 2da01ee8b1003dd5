import type { DeadLetters } from '../ports/dead-letters.js';
import type { EventStore } from '../ports/event-store.js';
import type { WithProjections } from '../ports/projections.js';
import type { ReadStore } from '../ports/read-store.js';
import { isKafka, openDeadLettersOf } from './bus.js';
import { lockDataDirectory, requireDataDirectory } from './data-directory.js';
import type { Dependencies } from './dependencies.js';
import type { VersionFeeding } from './projectors.js';
import { isMongodb, openReadModels } from './read-store.js';
import { openEventStoreForJob, openOwnLog } from './write-side.js';

/** What a job works on. */
export interface Stores {
  readonly eventStore: EventStore & Partial<WithProjections>;
  readonly readStore: ReadStore;
  /** Opened for those jobs alone that look at them. */
  readonly deadLetters: () => Promise<DeadLetters>;
  /** Where a service runs the job: it feeds versions while they come and go. */
  readonly feeding?: VersionFeeding;
}

type JobStoreDependencies = Pick<Dependencies, 'config' | 'logger' | 'lifecycle'> & {
  readonly signal: AbortSignal;
};

/**
 * The log and the documents. Embedded ones belong to the process that owns DATA_DIR: where there is
 * one, rejects with DirectoryInUseError, unless the job can do without that directory.
 */
export const openStores = async (
  dependencies: JobStoreDependencies,
  job: { readonly readOnly: boolean; readonly readsLetters: boolean },
): Promise<Stores> => {
  const { config } = dependencies;
  const shared = isMongodb(config) && (isKafka(config) || job.readOnly);
  const embedded = config.eventStore.url === '';
  const readsLetters = job.readsLetters && !isKafka(config);
  if (!shared || embedded || readsLetters) await requireDataDirectory(config, { log: embedded });
  if (!shared && !embedded) await lockDataDirectory(dependencies);
  const own = embedded && !shared;
  return {
    eventStore: own ? await openOwnLog(dependencies) : await openEventStoreForJob(dependencies),
    readStore: await openReadModels(dependencies),
    deadLetters: () => openDeadLettersOf(dependencies),
  };
};
