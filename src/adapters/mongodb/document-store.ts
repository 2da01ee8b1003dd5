import { BSON, type Collection, type Filter, MongoBulkWriteError } from 'mongodb';
import type { AnimeId } from '../../domain/ids.js';
import { pages } from '../../platform/async/pages.js';
import { retry } from '../../platform/async/retry.js';
import { TooLargeError } from '../../ports/errors.js';
import type { Position } from '../../ports/event-store.js';
import type {
  AnimeDocument,
  DailyActivityDocument,
  DocumentBatch,
  DocumentStore,
  Guarded,
  InteractionDocument,
} from '../../ports/read-store.js';
import {
  animeFrom,
  animeIdText,
  animesAfter,
  dayFrom,
  dayId,
  inOneBatch,
  interactionFrom,
  interactionId,
  partsAfter,
  type Question,
  storedAnime,
  storedDay,
  type StoredDocument,
  type StoredInteraction,
  storedInteraction,
} from './stored-documents.js';
import { DUPLICATE_KEY, isDuplicateKey, type MongodbConnection } from './connection.js';
import type { StoredPosition, VersionAccess, VersionCollections } from './version-collections.js';

/** Written in time, but large enough that round trips do not matter. */
const CHUNK = 500;
/** After a lost race the document exists, so the next attempt finds it. */
const MAX_WRITE_ATTEMPTS = 5;

/**
 * Replaces a document only by one with a higher (generation, revision), decided by the server in
 * one step: the greater of two embedded documents is the one whose first differing field is
 * greater. At the same revision the first saved document stays, because its precedence is higher.
 * Returns the ids of the saved documents.
 */
const saveGuarded = async <Document extends Guarded>(
  { ask, timeoutMs }: Pick<MongodbConnection, 'ask' | 'timeoutMs'>,
  collection: Collection<StoredDocument<Document>>,
  documents: readonly StoredDocument<Document>[],
): Promise<ReadonlySet<string>> => {
  const saved = new Set<string>();
  for (let from = 0; from < documents.length; from += CHUNK) {
    const chunk = documents.slice(from, from + CHUNK);
    const changed = await ask(() => writeChunk(collection, chunk));
    const standing =
      changed === chunk.length
        ? chunk
        : await ask(() => readStanding(collection, chunk, timeoutMs));
    for (const { _id } of standing) saved.add(_id);
  }
  return saved;
};

/**
 * Inserts a user's first interaction with an anime, which servers do several times faster than a
 * guarded upsert. Where its document exists already, as after a redelivery, the guard decides.
 */
const saveInteractions = async (
  connection: Pick<MongodbConnection, 'ask' | 'timeoutMs'>,
  collection: Collection<StoredInteraction>,
  documents: readonly StoredInteraction[],
): Promise<number> => {
  const first = documents.filter(isFirst);
  const others = documents.filter((one) => !isFirst(one));
  for (let from = 0; from < first.length; from += CHUNK) {
    const chunk = first.slice(from, from + CHUNK);
    others.push(...(await connection.ask(() => insertNew(collection, chunk))));
  }
  const { size } = await saveGuarded(connection, collection, others);
  return documents.length - others.length + size;
};

const isFirst = ({ d }: StoredInteraction): boolean => d.clicks + d.views + d.ratings.length === 1;

/** Returns the documents whose ids are taken. */
const insertNew = async (
  collection: Collection<StoredInteraction>,
  documents: readonly StoredInteraction[],
): Promise<readonly StoredInteraction[]> => {
  try {
    await collection.insertMany(documents, { ordered: false });
    return [];
  } catch (error) {
    if (!(error instanceof MongoBulkWriteError)) throw error;
    const refused = [error.writeErrors].flat();
    const onlyTaken = refused.length > 0 && refused.every(({ code }) => code === DUPLICATE_KEY);
    // The other documents may not be acknowledged by a majority.
    if (!onlyTaken || error.result.getWriteConcernError() !== undefined) throw error;
    return refused.flatMap(({ index }) => documents[index] ?? []);
  }
};

/** The number of changed documents; undefined after a retry, when the count is no longer exact. */
const writeChunk = async <Document extends Guarded>(
  collection: Collection<StoredDocument<Document>>,
  documents: readonly StoredDocument<Document>[],
): Promise<number | undefined> => {
  const operations = documents.map(({ _id, d }) => ({
    updateOne: { filter: { _id }, update: { $max: { d } }, upsert: true },
  }));
  const writeOnce = async (attempt: number): Promise<number | undefined> => {
    const { modifiedCount, upsertedCount } = await collection.bulkWrite(operations, {
      ordered: false,
    });
    return attempt === 0 ? modifiedCount + upsertedCount : undefined;
  };
  try {
    return await retry(writeOnce, {
      backoff: { baseMs: 1, maxMs: 10 },
      retriable: (error, attempt) => isDuplicateKey(error) && attempt + 1 < MAX_WRITE_ATTEMPTS,
    });
  } catch (error) {
    assertFitting(documents, error);
    throw error;
  }
};

const MAX_DOCUMENT_BYTES = 16 * 1024 * 1024;

/** The driver's error for a document that overflows its buffer does not name the cause. */
const assertFitting = (documents: readonly StoredDocument<Guarded>[], cause: unknown): void => {
  const tooLarge = documents.find((one) => BSON.calculateObjectSize(one) > MAX_DOCUMENT_BYTES);
  if (tooLarge === undefined) return;
  throw new TooLargeError('A document exceeds the size limit of MongoDB.', {
    cause,
    context: { id: tooLarge._id },
  });
};

/** Those that are stored as this process wrote them. */
const readStanding = async <Document extends Guarded>(
  collection: Collection<StoredDocument<Document>>,
  documents: readonly StoredDocument<Document>[],
  maxTimeMS: number,
): Promise<readonly StoredDocument<Document>[]> => {
  const ids = documents.map(({ _id }) => _id);
  const projection = { 'd.generation': 1, 'd.revision': 1, 'd.precedence': 1 };
  const found = await (collection as unknown as Collection<StoredDocument<Guarded>>)
    .find({ _id: { $in: ids } }, { projection, maxTimeMS, ...inOneBatch(ids.length) })
    .toArray();
  const standing = new Map(found.map(({ _id, d }) => [_id, guardText(d)]));
  return documents.filter(({ _id, d }) => standing.get(_id) === guardText(d));
};

const guardText = ({ generation, revision, precedence }: StoredDocument<Guarded>['d']): string =>
  `${generation}/${revision}/${precedence}`;

/**
 * Decreases with every save, and with time across processes: of two documents at the same revision
 * the earlier one stays.
 */
export const fallingPrecedence = (now: () => Date): (() => number) => {
  let last = 0;
  return () => -(last = Math.max(last + 1, now().getTime() * 1000));
};

export interface DocumentStoreNeeds {
  readonly connection: MongodbConnection;
  readonly access: VersionAccess;
  readonly precedence: () => number;
  readonly saved: (animes: readonly AnimeDocument[]) => void;
}

const FLUSHED = 'flushed';
const HEARTBEAT_ID = 'heartbeat';

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
    const storedDays = days.map((one) => storedDay(one, before));
    const [savedInteractions, savedDays] = await Promise.all([
      saveInteractions(
        connection,
        exact.interactions,
        interactions.map((one) => storedInteraction(one, before)),
      ),
      saveGuarded(connection, exact.days, storedDays),
    ]);
    // The commit point of the projection: only after the parts are acknowledged.
    const standing = await saveGuarded(
      connection,
      exact.animes,
      animes.map((one) => storedAnime(one, before)),
    );
    saved(animes.filter(({ animeId }) => standing.has(animeIdText(animeId))));
    const kept = savedInteractions + savedDays.size + standing.size;
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
        await ask(() =>
          exact.heartbeat.updateOne({ _id: HEARTBEAT_ID }, { $set }, { upsert: true }),
        );
      }),

    fedAt: () =>
      read(
        async ({ heartbeat }) =>
          (await heartbeat.findOne({ _id: HEARTBEAT_ID }, limits))?.at ?? null,
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
