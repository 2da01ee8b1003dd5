import type { Anime } from '../../domain/decide.js';
import { type AnimeDetails, completeDetails } from '../../domain/details.js';
import type { AnimeEventType } from '../../domain/events.js';
import { type AnimeId, streamOf } from '../../domain/ids.js';
import { StreamDeletedError, WrongExpectedRevisionError } from '../../ports/errors.js';
import type { EventStore, RecordedEvent } from '../../ports/event-store.js';
import type { JsonObject } from '../../ports/json.js';
import type { Logger } from '../../platform/observability/logger.js';
import { createOutage } from '../../platform/async/outage.js';
import { FOLD_HASH, emptyAggregate, type CachedAggregate } from './cached-aggregate.js';

/** Above the promised 1,000 keys, and small enough to be written often. */
const KEPT_COMMANDS = 1024;
const SNAPSHOT_TYPE = 'AnimeSnapshot';

export interface Snapshots {
  /** The newest usable snapshot. */
  load(animeId: AnimeId): Promise<CachedAggregate | undefined>;
  /** Saves in the background once there are enough events since the last snapshot. */
  saveWhenDue(aggregate: CachedAggregate): void;
  /** Resolves when no save is running. */
  settled(): Promise<void>;
}

/**
 * Snapshots are a cache in the event store: a lost one only costs time, so a failed save is only
 * logged. There is one stream per anime and fold, which keeps the newest.
 */
export const createSnapshots = (options: {
  readonly store: EventStore;
  readonly logger: Logger;
  readonly newId: () => string;
  /** The longest tail, in events. */
  readonly snapshotEvery: number;
  readonly rememberedKeys: number;
}): Snapshots => {
  const { store, logger, newId, snapshotEvery, rememberedKeys } = options;
  const outage = createOutage({
    begun: 'A snapshot was not saved',
    ended: 'Snapshots are saved again',
    logger,
  });
  const saving = new Map<AnimeId, Promise<void>>();

  const save = async (stream: string, data: JsonObject): Promise<void> => {
    const expected = await store.head(stream);
    if (expected === 'no_stream') await store.setMaxCount(stream, 1);
    await store.append(stream, expected, [
      { id: newId(), type: SNAPSHOT_TYPE, data, metadata: {} },
    ]);
  };

  return {
    load: async (animeId) => {
      const newest = await lastEvent(store, snapshotStreamOf(animeId));
      if (newest === undefined) return undefined;
      try {
        return fromSnapshot(emptyAggregate(animeId, rememberedKeys), newest.data);
      } catch (error) {
        logger.warn('Snapshot ignored', { stream: newest.stream, error });
        return undefined;
      }
    },
    saveWhenDue: (aggregate) => {
      const { animeId, revision } = aggregate;
      if (revision === 'no_stream' || revision - aggregate.snapshotAt < BigInt(snapshotEvery))
        return;
      if (saving.has(animeId)) return;
      // Even if the save fails: retry after as many events again, not with every command.
      aggregate.snapshotAt = revision;
      const stream = snapshotStreamOf(animeId);
      const done = save(stream, toSnapshot(aggregate, revision))
        .then(
          () => outage.over(),
          (error: unknown) => {
            // Another process has saved its own meanwhile, which is as good.
            if (error instanceof WrongExpectedRevisionError) outage.over();
            else outage.failed(error, { stream });
          },
        )
        .finally(() => saving.delete(animeId));
      saving.set(animeId, done);
    },
    settled: async () => {
      await Promise.all(saving.values());
    },
  };
};

export const snapshotStreamOf = (animeId: AnimeId): string =>
  `snapshot-${streamOf(animeId)}-${FOLD_HASH}`;

const lastEvent = async (store: EventStore, stream: string): Promise<RecordedEvent | undefined> => {
  try {
    for await (const event of store.read(stream, { direction: 'backwards', limit: 1 }))
      return event;
  } catch (error) {
    if (!(error instanceof StreamDeletedError)) throw error;
  }
  return undefined;
};

type StoredCommand = readonly [string, string, AnimeEventType, string, string, string];

interface StoredSnapshot {
  readonly revision: string;
  /** Absent in older snapshots: 0. */
  readonly from?: string;
  readonly lastEventId: string;
  /** An anime whose snapshot is due has been listed. */
  readonly state: { readonly status: 'listed' | 'delisted'; readonly details: AnimeDetails };
  readonly recent: readonly StoredCommand[];
}

const toSnapshot = (aggregate: CachedAggregate, revision: bigint): JsonObject => {
  const recent = aggregate.recent
    .newest(KEPT_COMMANDS)
    .map((c): StoredCommand => [
      c.commandId,
      c.eventId,
      c.type,
      c.revision.toString(),
      c.position.toString(),
      c.bodyHash,
    ]);
  const { state, lastEventId } = aggregate;
  const from = (aggregate.from ?? 0n).toString();
  return {
    revision: revision.toString(),
    from,
    lastEventId,
    state,
    recent,
  } as unknown as JsonObject;
};

/** Fills an empty aggregate. Throws if the data are not a snapshot of ours. */
const fromSnapshot = (blank: CachedAggregate, data: Uint8Array): CachedAggregate => {
  const stored = JSON.parse(Buffer.from(data).toString('utf8')) as StoredSnapshot;
  const { lastEventId, state } = stored;
  if (typeof lastEventId !== 'string') throw new TypeError('lastEventId is not a text');
  for (const [commandId, eventId, type, at, position, bodyHash] of stored.recent) {
    const place = { revision: BigInt(at), position: BigInt(position) };
    blank.recent.add({ commandId, eventId, type, bodyHash, ...place });
  }
  const revision = BigInt(stored.revision);
  const from = BigInt(stored.from ?? 0);
  return { ...blank, state: fromStored(state), lastEventId, revision, from, snapshotAt: revision };
};

const fromStored = ({ status, details }: StoredSnapshot['state']): Anime => {
  if (!STATUSES.includes(status)) throw new TypeError('status is not that of a listed anime');
  if (typeof details.title !== 'string') throw new TypeError('title is not a text');
  return { status, details: completeDetails(details) };
};

const STATUSES: readonly Anime['status'][] = ['listed', 'delisted'];
