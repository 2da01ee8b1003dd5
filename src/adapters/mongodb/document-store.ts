import type { Collection, Filter } from 'mongodb';
import type { AnimeId } from '../../domain/ids.js';
import { pages } from '../../platform/async/pages.js';
import type { Position } from '../../ports/event-store.js';
import type {
  AnimeDocument,
  DailyActivityDocument,
  DocumentBatch,
  DocumentStore,
  InteractionDocument,
} from '../../ports/read-store.js';
import { animesAfter, inOneBatch, partsAfter, type Question } from './asked.js';
import type { MongodbConnection } from './connection.js';
import { saveGuarded } from './guarded-writes.js';
import {
  animeIdText,
  animeFrom,
  dayId,
  dayFrom,
  interactionId,
  interactionFrom,
  storedAnime,
  storedDay,
  storedInteraction,
} from './stored-documents.js';
import type { VersionAccess } from './version-access.js';
import type { StoredPosition, VersionCollections } from './version-collections.js';

export interface DocumentStoreNeeds {
  readonly connection: MongodbConnection;
  readonly access: VersionAccess;
  readonly precedence: () => number;
  readonly saved: (animes: readonly AnimeDocument[]) => void;
}

const FLUSHED = 'flushed';
const HEARTBEAT = 'heartbeat';

/** The documents of a version as the projector sees them. */
export const createMongodbDocuments = (
  name: string,
  { connection, access, precedence, saved }: DocumentStoreNeeds,
): DocumentStore => {
  const { ask, whileOpen, timeoutMs } = connection;
  const limits = { maxTimeMS: timeoutMs };

  const read = <T>(question: (collections: VersionCollections) => Promise<T>): Promise<T> =>
    whileOpen(() => access.read(name, ({ exact }) => ask(() => question(exact))));

  const byIds = async <S extends { readonly _id: string }, D>(
    collection: Collection<S>,
    ids: readonly string[],
    toDocument: (stored: S) => D,
  ): Promise<readonly D[]> => {
    if (ids.length === 0) return [];
    const options = { ...limits, ...inOneBatch(ids.length) };
    const found = await collection.find({ _id: { $in: ids } } as Filter<S>, options).toArray();
    return found.map((one) => toDocument(one as S));
  };

  const page = async <S extends { readonly _id: string }>(
    collection: Collection<S>,
    { filter, sort }: Question,
    limit: number,
  ): Promise<readonly S[]> => {
    const found = collection
      .find(filter as Filter<S>, { ...limits, ...inOneBatch(limit) })
      .sort(sort)
      .limit(limit);
    return (await found.toArray()) as unknown as readonly S[];
  };

  const save = async ({ interactions, days, animes }: DocumentBatch) => {
    const { exact } = await access.confirmed(name);
    const before = precedence();
    const parts = await Promise.all([
      saveGuarded(
        connection,
        exact.interactions,
        interactions.map((one) => storedInteraction(one, before)),
      ),
      saveGuarded(
        connection,
        exact.days,
        days.map((one) => storedDay(one, before)),
      ),
    ]);
    // The commit point of the projection: only after the parts are acknowledged.
    const standing = await saveGuarded(
      connection,
      exact.animes,
      animes.map((one) => storedAnime(one, before)),
    );
    saved(animes.filter(({ animeId }) => standing.has(animeIdText(animeId))));
    const kept = parts.reduce((sum, part) => sum + part.size, standing.size);
    return { refused: interactions.length + days.length + animes.length - kept };
  };

  return {
    animes: (ids) => read(({ animes }) => byIds(animes, ids.map(animeIdText), animeFrom)),
    interactions: (keys) =>
      read(({ interactions }) => byIds(interactions, keys.map(interactionId), interactionFrom)),
    days: (keys) => read(({ days }) => byIds(days, keys.map(dayId), dayFrom)),

    save: (batch) => whileOpen(() => save(batch)),

    flushed: () =>
      read(async ({ position }) => {
        const stored = await position.findOne({ _id: FLUSHED }, limits);
        return stored === null ? null : positionFrom(stored);
      }),

    setFlushed: ({ commit, prepare }) =>
      whileOpen(async () => {
        const { exact } = await access.confirmed(name);
        const $set = { commit: String(commit), prepare: String(prepare) };
        await ask(() => exact.position.updateOne({ _id: FLUSHED }, { $set }, { upsert: true }));
      }),

    noteFed: (at) =>
      whileOpen(async () => {
        const { exact } = await access.confirmed(name);
        const $set = { at };
        await ask(() => exact.heartbeat.updateOne({ _id: HEARTBEAT }, { $set }, { upsert: true }));
      }),

    fedAt: () =>
      read(
        async ({ heartbeat }) => (await heartbeat.findOne({ _id: HEARTBEAT }, limits))?.at ?? null,
      ),

    allAnimes: () =>
      pages(
        (after: AnimeId | null, limit) =>
          read(async ({ animes }) =>
            (await page(animes, animesAfter(after), limit)).map(animeFrom),
          ),
        ({ animeId }) => animeId,
      ),

    allInteractions: (id) =>
      pages(
        (after: string | null, limit) =>
          read(async ({ interactions }) =>
            (await page(interactions, partsAfter(id, after), limit)).map(interactionFrom),
          ),
        (one: InteractionDocument) => interactionId(one),
      ),

    allDays: (id) =>
      pages(
        (after: string | null, limit) =>
          read(async ({ days }) => (await page(days, partsAfter(id, after), limit)).map(dayFrom)),
        (one: DailyActivityDocument) => dayId(one),
      ),
  };
};

const positionFrom = ({ commit, prepare }: StoredPosition): Position => ({
  commit: BigInt(commit),
  prepare: BigInt(prepare),
});
