import { keepChecking, keepConfirming } from '../read-side/rebuild/check-documents.js';
import {
  type Consumption,
  createConsumption,
  createProjector,
  type Projector,
} from '../read-side/projector/projector.js';
import { ConfigError } from '../platform/config/config.js';
import { isEmpty } from '../platform/async/pages.js';
import { pause } from '../platform/async/retry.js';
import type { BusConsumer, EventBus } from '../ports/event-bus.js';
import type { EventStore } from '../ports/event-store.js';
import type { DocumentStore, ReadStore, VersionRecord } from '../ports/read-store.js';
import { partitionsOf, type OpenedBus } from './bus.js';
import type { Dependencies } from './dependencies.js';
import { isMongodb } from './read-store.js';

export interface FeedingParts extends OpenedBus {
  readonly eventStore: EventStore;
  readonly readStore: ReadStore;
  readonly logId: string;
  /** Longer than the bus keeps the place of a member that died. */
  readonly sessionMs?: number;
}

/** A version of the read models that is kept up to date. */
export interface Fed {
  readonly record: VersionRecord;
  readonly projector: Projector;
  readonly consumer: BusConsumer;
  readonly consumption: Consumption;
  /** On the bus. */
  readonly group: string;
}

export interface FeedOptions {
  /** The name belonged to another version before, so the offsets of its group are dropped. */
  readonly anew: boolean;
  readonly signal: AbortSignal;
}

/** Begins to feed a version, with a projector and a group of its own. */
export const feed = async (
  {
    config,
    logger,
    metrics,
    health,
  }: Pick<Dependencies, 'config' | 'logger' | 'metrics' | 'health'>,
  parts: FeedingParts,
  record: VersionRecord,
  { anew, signal }: FeedOptions,
): Promise<Fed> => {
  const { bus, readStore, eventStore, keeps, sessionMs = 20_000 } = parts;
  const { name: version } = record;
  const group = `${config.kafka.group}-${record.group}`;
  const documents = readStore.documents(version);
  if (keeps && !isMongodb(config)) {
    await refuseCopy({ bus, group, sessionMs, signal }, config.dataDir);
  }
  await fromTheBeginning({ bus, group, documents, sessionMs, anew, signal });
  const projector = createProjector({ ...parts, documents, version, logger, metrics });
  const consumer = bus.consumer(group);
  const partitions = partitionsOf(config);
  const consumption = createConsumption({ projector, version, partitions, metrics });
  const giveUp = (): void => void consumer.stop();
  signal.addEventListener('abort', giveUp);
  try {
    await consumer.start(consumption.handle);
  } catch (error) {
    await consumer.stop();
    throw error;
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
  logger.info('Projector of a version started', { version, group });
  const stopped = new AbortController();
  const isIdle = (): boolean => [...consumption.waiting.values()].every((items) => items === 0);
  const checking = keepChecking({
    eventStore,
    documents,
    projector,
    keeps,
    isIdle,
    onDocument: consumption.noteStored,
    logger,
    signal: stopped.signal,
    after: health.untilStarted(),
  });
  const confirming = keepConfirming({ projector, logger, signal: stopped.signal });
  const stop = async (): Promise<void> => {
    stopped.abort();
    await Promise.all([consumer.stop(), checking, confirming]);
  };
  return { record, projector, consumer: { ...consumer, stop }, consumption, group };
};

const ASK_AGAIN_AFTER_MS = 500;

interface Beginning extends FeedOptions {
  readonly bus: EventBus;
  readonly group: string;
  readonly documents: DocumentStore;
  readonly sessionMs: number;
}

/**
 * Without documents the offsets of the group are dropped, so that it reads the topic from the start.
 * That needs a group without members; a crashed one leaves it after the session time-out. Live members
 * that have committed offsets fill other documents than these: the group is refused.
 */
const fromTheBeginning = async (beginning: Beginning): Promise<void> => {
  const { bus, group, documents, sessionMs, anew, signal } = beginning;
  const deadline = performance.now() + sessionMs;
  while (anew || (await isEmpty(documents.allAnimes()))) {
    signal.throwIfAborted();
    if (await bus.forget(group)) return;
    if (performance.now() > deadline) {
      if (!anew) await refuseForeignMembers(bus, group);
      return;
    }
    await pause(ASK_AGAIN_AFTER_MS, signal);
  }
};

const refuseForeignMembers = async (bus: EventBus, group: string): Promise<void> => {
  const progress = [...(await bus.committed(group)).values()];
  if (progress.every((offset) => offset === 0n)) return;
  throw new ConfigError(
    `KAFKA_GROUP, MONGODB_DATABASE: the group ${group} is at work on other documents than these, which ` +
      'are empty. Give each set of documents a group of its own.',
  );
};

/**
 * Only the owner of the directory fills embedded documents. If the group has live members, the directory
 * is a copy: the partitions would be shared, and each of the two would miss some anime.
 */
const refuseCopy = async (
  { bus, group, sessionMs, signal }: Pick<Beginning, 'bus' | 'group' | 'sessionMs' | 'signal'>,
  dataDir: string,
): Promise<void> => {
  const deadline = performance.now() + sessionMs;
  while ((await bus.members(group)) > 0) {
    signal.throwIfAborted();
    if (performance.now() > deadline) {
      throw new ConfigError(
        `DATA_DIR: the documents in ${dataDir}/read-models are a copy of those that another process feeds ` +
          `(as ${group} on Kafka). Delete that folder: they are built again from the topic.`,
      );
    }
    await pause(ASK_AGAIN_AFTER_MS, signal);
  }
};
