import type { BatchHandler, DeliveredRecord } from '../../ports/event-bus.js';
import { PortError } from '../../ports/errors.js';
import type { AnimeId } from '../../domain/ids.js';
import { readRecord } from '../../wire/envelope.js';
import type { EventPlace } from '../../wire/presence.js';
import type { StreamEvent, Unreadable } from '../../wire/stream-event.js';
import { createApplier, type ApplierOptions } from './apply-batch.js';
import { deadLetter, type Quarantined, type SkippedEvents } from './quarantine.js';
import type { IncomingEvent } from './classify.js';

export type ProjectorOptions = Omit<ApplierOptions, 'startsEmpty'>;

export interface Projector {
  /** Resolves when the batch is in saved documents; rejects where it is to be delivered again. */
  readonly handle: BatchHandler;
  /** Why records are refused, since one of another log came; null while all is well. */
  refusal(): string | null;
  /** The anime that cannot be followed, and why. */
  quarantine(): ReadonlyMap<AnimeId, Quarantined>;
  /** The anime whose documents leave out events that cannot be read. */
  readonly skippedEvents: SkippedEvents;
  /** The anime that are computed anew, since their documents were ahead of the log, and up to where. */
  ahead(): ReadonlyMap<AnimeId, number>;
  /** The event that was applied last; null before the first one. */
  lastApplied(): EventPlace | null;
  /** Checks an anime's document against the log, and brings it up to this revision of its stream. */
  recheck(animeId: AnimeId, revision: number, signal: AbortSignal): Promise<void>;
}

/** Turns records of the bus into documents of one version of the read models. */
export const createProjector = (options: ProjectorOptions): Projector => {
  const { deadLetters, logId, logger, metrics, now = Date.now } = options;
  const applier = createApplier(options);
  let refusal: string | null = null;

  const handle: BatchHandler = async (batch) => {
    const pending = new Map<AnimeId, IncomingEvent[]>();
    const unreadable: [DeliveredRecord, Unreadable][] = [];
    for (const record of batch.records) {
      const reading = readRecord(record);
      if (reading.kind === 'event') {
        refuseAnotherLog(reading.event);
        addTo(pending, reading.event.animeId, reading.event);
      } else {
        unreadable.push([record, reading]);
        // The log has what the record could not say.
        const { animeId, revision } = reading;
        if (animeId !== null && revision !== null)
          addTo(pending, animeId, { revision, decoded: null });
      }
    }
    for (const [record, reading] of unreadable) await list(record, reading);
    await applier.apply(pending, batch);
    refusal = null;
  };

  const refuseAnotherLog = ({ logId: theirs, stream, revision }: StreamEvent): void => {
    if (theirs === null || theirs === logId) return;
    refusal = `A record is of the log ${theirs}, but the documents are of the log ${logId}. Give each log its own topic and its own documents.`;
    metrics.projectorAlarms.inc({ kind: 'another-log' });
    logger.error('A record of another log is refused', { stream, revision, theirs, ours: logId });
    throw new PortError('CORRUPT', refusal, false, { context: { stream, revision, theirs } });
  };

  const list = async (record: DeliveredRecord, { reason, stream, revision }: Unreadable) => {
    const source = `partition ${record.partition}, offset ${record.offset}`;
    logger.error('A record cannot be read', { source, stream, revision, reason });
    metrics.deadLetters.inc();
    await deadLetters.add(
      deadLetter({ stream, revision, source, reason, value: record.value, at: new Date(now()) }),
    );
  };

  const { quarantine, skippedEvents, ahead, lastApplied, recheck } = applier;
  return { handle, refusal: () => refusal, quarantine, skippedEvents, ahead, lastApplied, recheck };
};

const addTo = (
  pending: Map<AnimeId, IncomingEvent[]>,
  animeId: AnimeId,
  event: IncomingEvent,
): void => {
  const incoming = pending.get(animeId);
  if (incoming === undefined) pending.set(animeId, [event]);
  else incoming.push(event);
};
