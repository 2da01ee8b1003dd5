import { type AnimeId, animeIdOf } from '../../domain/ids.js';
import type { Metrics } from '../../platform/observability/metrics.js';
import { SpanKind } from '@opentelemetry/api';
import { spanInEachTrace, traceparentIn } from '../../platform/observability/trace-context.js';
import { PortError } from '../../ports/errors.js';
import type { BatchHandler, BusItem, EventItem, UnreadableItem } from '../../ports/event-bus.js';
import type { AnimeDocument } from '../../ports/read-store.js';
import type { EventPlace } from '../../wire/presence.js';
import { fromRecorded, NOT_OF_AN_ANIME, type StreamEvent } from '../../wire/stream-event.js';
import { type ApplierOptions, createApplier } from './apply-batch.js';
import type { IncomingEvent } from './classify.js';
import { deadLetter, type Quarantined, type SkippedEvents } from './quarantine.js';

export type ProjectorOptions = Omit<ApplierOptions, 'startsEmpty'>;

export interface Projector {
  /** Resolves when the batch is in saved documents; rejects where it is to be delivered again. */
  readonly handle: BatchHandler;
  /** Why events are refused, after one of another log arrived; else null. */
  refusal(): string | null;
  /** The anime that cannot be followed, and why. */
  quarantine(): ReadonlyMap<AnimeId, Quarantined>;
  /** The anime whose documents leave out events that cannot be read. */
  readonly skippedEvents: SkippedEvents;
  /** Anime being recomputed because their documents were ahead of the log, and the target revision. */
  ahead(): ReadonlyMap<AnimeId, number>;
  /** The event that was applied last; null before the first one. */
  lastApplied(): EventPlace | null;
  /** Checks an anime's document against the log, and brings it up to this revision of its stream. */
  recheck(animeId: AnimeId, revision: number, signal: AbortSignal): Promise<void>;
  /** Looks again for delivered events that their streams did not have; after 30 s it quarantines. */
  confirm(signal: AbortSignal): Promise<void>;
}

/** Turns events of the bus into documents of one version of the read models. */
export const createProjector = (options: ProjectorOptions): Projector => {
  const { deadLetters, logId, logger, metrics, now = Date.now } = options;
  const applier = createApplier(options);
  let refusal: string | null = null;

  const handle: BatchHandler = async (batch) => {
    const pending = new Map<AnimeId, IncomingEvent[]>();
    const unreadable: UnreadableItem[] = [];
    for (const item of batch.items) {
      const found = readItem(item);
      if ('decoded' in found) {
        refuseAnotherLog(found);
        addTo(pending, found.animeId, found);
      } else {
        unreadable.push(found);
        // The event is read from the event store instead.
        const { stream, revision } = found;
        const animeId = stream === null ? undefined : animeIdOf(stream);
        if (animeId !== undefined && revision !== null)
          addTo(pending, animeId, { revision: Number(revision), decoded: null });
      }
    }
    for (const item of unreadable) await addDeadLetter(item);
    await applier.apply(pending, batch);
    refusal = null;
  };

  const refuseAnotherLog = ({ logId: theirs, stream, revision }: StreamEvent): void => {
    if (theirs === null || theirs === logId) return;
    refusal = `An event is of the log ${theirs}, but the documents are of the log ${logId}. Give each log its own topic and its own documents.`;
    metrics.projectorAlarms.inc({ kind: 'another-log' });
    logger.error('An event of another log is refused', { stream, revision, theirs, ours: logId });
    throw new PortError('CORRUPT', refusal, false, { context: { stream, revision, theirs } });
  };

  const addDeadLetter = async (item: UnreadableItem): Promise<void> => {
    const { reason, stream, value, partition, offset } = item;
    const revision = item.revision === null ? null : Number(item.revision);
    const source = `partition ${partition}, offset ${offset}`;
    logger.error('A record on the bus cannot be read', { source, stream, revision, reason });
    metrics.deadLetters.inc();
    await deadLetters.add(
      deadLetter({ stream, revision, source, reason, value, at: new Date(now()) }),
    );
  };

  const { quarantine, skippedEvents, ahead, lastApplied, recheck, confirm } = applier;
  return {
    handle,
    refusal: () => refusal,
    quarantine,
    skippedEvents,
    ahead,
    lastApplied,
    recheck,
    confirm,
  };
};

/** The event of an item, or the item as an unreadable one. */
const readItem = (item: BusItem): StreamEvent | UnreadableItem => {
  if (item.kind === 'unreadable') {
    const isOfAnAnime = item.stream === null || animeIdOf(item.stream) !== undefined;
    return isOfAnAnime ? item : { ...item, reason: NOT_OF_AN_ANIME };
  }
  const reading = fromRecorded(item.event, item.logId);
  if (reading.kind === 'unreadable') return unreadableEvent(item, reading.reason);
  const { decoded } = reading.event;
  return decoded.kind === 'malformed' ? unreadableEvent(item, decoded.reason) : reading.event;
};

const unreadableEvent = (
  { event, logId, partition, offset }: EventItem,
  reason: string,
): UnreadableItem => ({
  kind: 'unreadable',
  reason,
  stream: event.stream,
  revision: event.revision,
  value: event.data,
  logId,
  partition,
  offset,
});

const addTo = (
  pending: Map<AnimeId, IncomingEvent[]>,
  animeId: AnimeId,
  event: IncomingEvent,
): void => {
  const incoming = pending.get(animeId);
  if (incoming === undefined) pending.set(animeId, [event]);
  else incoming.push(event);
};

export interface ConsumeOptions {
  readonly projector: Pick<Projector, 'handle' | 'skippedEvents'>;
  /** The version of the read models that is fed. */
  readonly version: string;
  /** Of the bus. */
  readonly partitions: readonly number[];
  readonly metrics: Metrics;
}

export interface Consumption {
  readonly handle: BatchHandler;
  /** The number of waiting items by partition, as of the last batch. */
  readonly waiting: ReadonlyMap<number, number>;
  /** Counts the skipped events of a document that may have been saved by an earlier process. */
  readonly noteStored: (document: AnimeDocument) => void;
  /** Removes the version's series from the metrics. */
  forget(): void;
}

/** Feeds the batches of the bus to a version's projector, traced and counted. */
export const createConsumption = (options: ConsumeOptions): Consumption => {
  const { projector, version, partitions, metrics } = options;
  const waiting = new Map<number, number>();

  const noteWaiting = (partition: number, items: number): void => {
    waiting.set(partition, items);
    metrics.projectorWaiting.set({ version, partition }, items);
  };
  const countUnread = (): void => {
    metrics.projectorUnread.set({ version }, projector.skippedEvents.count());
  };

  // Without these series an alert could not fire if no event ever comes.
  metrics.projectorLagSeconds.set({ version }, 0);
  metrics.freshness.zero({ version });
  for (const partition of partitions) metrics.projectorWaiting.set({ version, partition }, 0);
  countUnread();

  return {
    waiting,
    handle: async (batch) => {
      const { partition, items } = batch;
      // Items in the handler still count as waiting.
      noteWaiting(partition, batch.waiting + items.length);
      await spanInEachTrace(`project ${version}`, PROCESS, tracesOf(items), () =>
        projector.handle(batch),
      );
      noteWaiting(partition, batch.waiting);
      countUnread();
    },
    noteStored: (document) => {
      const before = projector.skippedEvents.count();
      projector.skippedEvents.note(document);
      if (projector.skippedEvents.count() !== before) countUnread();
    },
    forget: () => {
      for (const partition of partitions) metrics.projectorWaiting.remove({ version, partition });
      metrics.projectorUnread.remove({ version });
      metrics.projectorLagSeconds.remove({ version });
      metrics.freshness.remove({ version });
    },
  };
};

const PROCESS = {
  kind: SpanKind.CONSUMER,
  attributes: { 'messaging.operation.name': 'process', 'messaging.operation.type': 'process' },
};

function* tracesOf(items: readonly BusItem[]): Generator<string | undefined> {
  for (const item of items) if (item.kind === 'event') yield traceparentIn(item.event.metadata);
}
