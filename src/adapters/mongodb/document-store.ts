import type { Collection, Filter } from 'mongodb';
import type { AnimeId } from '../../domain/ids.js';
import { pages } from '../../platform/pages.js';
import type { Position } from '../../ports/event-store.js';
import type {
  AnimeDocument,
  DailyActivityDocument,
  DocumentBatch,
  DocumentStore,
  InteractionDocument,
} from '../../ports/read-store.js';
import type { Connection } from './connection.js';
import { saveGuarded } from './guarded-writes.js';
import {
  animeIdText,
  animeOf,
  dayId,
  dayOf,
  interactionId,
  interactionOf,
  storedAnime,
  storedDay,
  storedInteraction,
  type StoredAnime,
} from './stored-documents.js';
import type { VersionAccess } from './version-access.js';
import type { StoredPosition, VersionCollections } from './version-collections.js';

export interface DocumentStoreNeeds {
  readonly connection: Connection;
  readonly access: VersionAccess;
  readonly precedence: () => number;
  readonly saved: (animes: readonly AnimeDocument[]) => void;
}

const FLUSHED = 'flushed';

/** The documents of a version as the projector sees them. */
export const documentStore = (
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
    const found = await collection.find({ _id: { $in: ids } } as Filter<S>, limits).toArray();
    return found.map((one) => toDocument(one as S));
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
    // The commit point of the projection: not before the parts are acknowledged.
    const standing = await saveGuarded(
      connection,
      exact.animes,
      animes.map((one) => storedAnime(one, before)),
    );
    const told = animes.filter(({ animeId }) => standing.has(animeIdText(animeId)));
    if (told.length > 0) saved(told);
    const kept = parts.reduce((sum, part) => sum + part.size, standing.size);
    return { refused: interactions.length + days.length + animes.length - kept };
  };

  return {
    animes: (ids) => read(({ animes }) => byIds(animes, ids.map(animeIdText), animeOf)),
    interactions: (keys) =>
      read(({ interactions }) => byIds(interactions, keys.map(interactionId), interactionOf)),
    days: (keys) => read(({ days }) => byIds(days, keys.map(dayId), dayOf)),

    save: (batch) => whileOpen(() => save(batch)),

    flushed: () =>
      read(async ({ position }) => {
        const stored = await position.findOne({ _id: FLUSHED }, limits);
        return stored === null ? null : positionOf(stored);
      }),

    setFlushed: ({ commit, prepare }) =>
      whileOpen(async () => {
        const { exact } = await access.confirmed(name);
        const $set = { commit: String(commit), prepare: String(prepare) };
        await ask(() => exact.position.updateOne({ _id: FLUSHED }, { $set }, { upsert: true }));
      }),

    allAnimes: () =>
      pages(
        (after: AnimeId | null, limit) => read(({ animes }) => animesAfter(animes, after, limit)),
        ({ animeId }) => animeId,
      ),

    allInteractions: (id) =>
      pages(
        (after: string | null, limit) =>
          read(({ interactions }) => partsOf(interactions, id, after, limit, interactionOf)),
        (one: InteractionDocument) => interactionId(one),
      ),

    allDays: (id) =>
      pages(
        (after: string | null, limit) => read(({ days }) => partsOf(days, id, after, limit, dayOf)),
        (one: DailyActivityDocument) => dayId(one),
      ),
  };
};

const positionOf = ({ commit, prepare }: StoredPosition): Position => ({
  commit: BigInt(commit),
  prepare: BigInt(prepare),
});

const animesAfter = async (
  animes: VersionCollections['animes'],
  after: AnimeId | null,
  limit: number,
): Promise<readonly AnimeDocument[]> => {
  const found = animes.find({ 'd.animeId': { $gt: after ?? 0 } } as Filter<StoredAnime>);
  return (await found.sort({ 'd.animeId': 1 }).limit(limit).toArray()).map(animeOf);
};

/** The ids of an anime's parts begin with its own, up to the character after the colon. */
const partsOf = async <S extends { readonly _id: string }, D>(
  collection: Collection<S>,
  id: AnimeId,
  after: string | null,
  limit: number,
  toDocument: (stored: S) => D,
): Promise<readonly D[]> => {
  const range = { $gt: after ?? `${id}:`, $lt: `${id};` };
  const found = collection
    .find({ _id: range } as Filter<S>)
    .sort({ _id: 1 })
    .limit(limit);
  return (await found.toArray()).map((one) => toDocument(one as S));
};
