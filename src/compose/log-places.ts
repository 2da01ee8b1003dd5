import { createEmbeddedEventStore } from '../adapters/embedded/event-store.js';
import type { EventLog } from '../embedded-eventstore/log/event-log.js';
import { openEventLog } from '../embedded-eventstore/log/open-event-log.js';
import { DirectoryInUseError } from '../embedded-eventstore/lock.js';
import { ConfigError, type Config } from '../platform/config/config.js';
import { isEventStoreAddress, MAX_TIMER_MS } from '../platform/config/server-settings.js';
import { directoryError } from '../platform/config/system-errors.js';
import type { EventStore } from '../ports/event-store.js';
import { prepareDataDirectory, requireDataDirectory } from './data-directory.js';
import type { Dependencies } from './dependencies.js';
import { openEventStoreForJob, openServer } from './write-side.js';

type PlaceDependencies = Pick<Dependencies, 'config' | 'logger' | 'lifecycle'>;

/** A log that is written to as it is, or a server. */
export type OpenedTarget =
  | { readonly kind: 'embedded'; readonly store: EventStore; readonly log: EventLog }
  | { readonly kind: 'server'; readonly store: EventStore };

const LOOKS_LIKE_ADDRESS = /^[a-z+]+:\/\//i;

/** The settings under which a place is the event store. */
export const settingsAt = (config: Config, place: string): Config => ({
  ...config,
  dataDir: LOOKS_LIKE_ADDRESS.test(place) ? config.dataDir : place,
  eventStore: { ...config.eventStore, url: LOOKS_LIKE_ADDRESS.test(place) ? place : '' },
});

/** Errors on a setting name the option or argument that the place came from. */
const underOption = async <T>(
  option: string,
  place: string,
  open: () => Promise<T>,
): Promise<T> => {
  if (LOOKS_LIKE_ADDRESS.test(place) && !isEventStoreAddress(place)) {
    throw new ConfigError(
      `${option}: an address looks like esdb://user:password@host:2113, with special characters percent-encoded.`,
    );
  }
  try {
    return await open();
  } catch (error) {
    if (!(error instanceof ConfigError) || option === '') throw error;
    throw new ConfigError(error.message.replace(/^(?:DATA_DIR|EVENTSTORE_URL)\b/, option));
  }
};

/**
 * A log to read: that of a stopped service, or of a running one through its port, or a server's. Rejects
 * with DirectoryInUseError where a service has no port but takes jobs.
 */
export const openLogToRead = (
  dependencies: PlaceDependencies,
  place: string,
  option = '',
): Promise<EventStore> =>
  underOption(option, place, async () => {
    const config = settingsAt(dependencies.config, place);
    const own = { ...dependencies, config };
    if (config.eventStore.url === '') await requireDataDirectory(config, { log: true });
    return await openEventStoreForJob(own);
  });

/** A log to copy into, which no service may have: a directory is made where there is none. */
export const openLogToFill = (
  { config, logger, lifecycle }: PlaceDependencies,
  place: string,
  option: string,
): Promise<OpenedTarget> =>
  underOption(option, place, async () => {
    const { eventStore } = settingsAt(config, place);
    if (eventStore.url !== '') {
      const { store } = await openServer({ config: settingsAt(config, place), logger, lifecycle });
      return { kind: 'server', store };
    }
    prepareDataDirectory(place);
    const log = await lifecycle.open(
      'event log to fill',
      () =>
        // What is hidden stays until the copy has been compared.
        openEventLog({ directory: place, logger, scavenge: NO_SCAVENGE }).catch(
          (error: unknown) => {
            throw inUseByService(error) ?? directoryError('DATA_DIR', place, error);
          },
        ),
      (opened) => opened.close(),
    );
    return { kind: 'embedded', store: createEmbeddedEventStore(log), log };
  });

const NO_SCAVENGE = { everyMs: MAX_TIMER_MS, minAgeMs: 0 };

const inUseByService = (error: unknown): ConfigError | undefined =>
  error instanceof DirectoryInUseError
    ? new ConfigError(
        `DATA_DIR: ${error.message} Stop it: nothing else may write while a log is copied.`,
      )
    : undefined;
