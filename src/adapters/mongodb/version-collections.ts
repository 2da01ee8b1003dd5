import { createHash } from 'node:crypto';
import { BSON, type Collection, type CollectionOptions, type Db } from 'mongodb';
import { retry } from '../../platform/async/retry.js';
import { UnavailableError } from '../../ports/errors.js';
import type { DocumentBatch } from '../../ports/read-store.js';
import type { MongodbConnection } from './connection.js';
import { isNoCollection } from './errors.js';
import {
  storedAnime,
  type StoredAnime,
  storedDay,
  type StoredDay,
  storedInteraction,
  type StoredInteraction,
} from './stored-documents.js';
import type { KeyedVersion } from './stored-versions.js';

/** A position as text: its 64-bit halves do not fit in a number. */
export interface StoredPosition {
  readonly _id: string;
  readonly commit: string;
  readonly prepare: string;
}

/** The heartbeat of the process that fills the version, stored beside its position. */
interface StoredHeartbeat {
  readonly _id: string;
  readonly at: Date;
}

/** The collections of one version. */
export interface VersionCollections {
  readonly animes: Collection<StoredAnime>;
  readonly interactions: Collection<StoredInteraction>;
  readonly days: Collection<StoredDay>;
  readonly position: Collection<StoredPosition>;
  readonly heartbeat: Collection<StoredHeartbeat>;
}

const collectionName = (
  key: string,
  kind: 'animes' | 'interactions' | 'days' | 'position',
): string => `v_${key}_${kind}`;
const KEY_IN_NAME = /^v_([0-9a-f]+)_(?:animes|interactions|days|position)$/;

export const collectionsOf = (
  db: Db,
  key: string,
  options: CollectionOptions,
): VersionCollections => ({
  animes: db.collection(collectionName(key, 'animes'), options),
  interactions: db.collection(collectionName(key, 'interactions'), options),
  days: db.collection(collectionName(key, 'days'), options),
  position: db.collection(collectionName(key, 'position'), options),
  heartbeat: db.collection(collectionName(key, 'position'), options),
});

interface Index {
  readonly name: string;
  readonly key: Readonly<Record<string, 1 | -1>>;
}

/** Each begins with the filtered fields and continues with a total order. */
export const INDEXES = {
  animes: [
    { name: 'by_id', key: { 'd.animeId': 1 } },
    { name: 'by_views', key: { 'd.listed': 1, 'd.views': -1, 'd.animeId': 1 } },
    {
      name: 'by_average',
      key: { 'd.listed': 1, 'd.average': -1, 'd.ratingCount': -1, 'd.animeId': 1 },
    },
    { name: 'by_popularity', key: { 'd.listed': 1, 'd.popularityKey': 1, 'd.animeId': 1 } },
    { name: 'by_score', key: { 'd.listed': 1, 'd.details.score': -1, 'd.animeId': 1 } },
    { name: 'by_title', key: { 'd.listed': 1, 'd.titleKey': 1, 'd.animeId': 1 } },
    { name: 'by_genre', key: { 'd.listed': 1, 'd.details.genres': 1 } },
    { name: 'by_genre_key', key: { 'd.listed': 1, 'd.genreKeys': 1 } },
  ],
  interactions: [{ name: 'by_user', key: { 'd.userId': 1, 'd.animeId': 1 } }],
  days: [{ name: 'by_day', key: { 'd.day': 1, 'd.animeId': 1, 'd.total': 1 } }],
} satisfies Readonly<Record<string, readonly Index[]>>;

/** Creates missing indexes; rejects if an index of the same name has other fields. */
export const ensureIndexes = async (
  connection: MongodbConnection,
  collections: VersionCollections,
): Promise<void> => {
  for (const [kind, indexes] of Object.entries(INDEXES) as [keyof typeof INDEXES, Index[]][]) {
    await ensureIndexesOf(connection, collections[kind], indexes);
  }
};

/** An attempt fails if another process creates the same indexes at the same moment. */
const MAX_INDEX_ATTEMPTS = 5;

/**
 * Uses one command, because a server may take seconds for each. It lists only missing indexes:
 * FerretDB 1 drops the connection if several of the listed ones exist.
 */
const ensureIndexesOf = async (
  { ask, timeoutMs: maxTimeMS }: MongodbConnection,
  collection: Pick<Collection, 'createIndexes' | 'listIndexes'>,
  indexes: readonly Index[],
): Promise<void> => {
  const createMissing = async (): Promise<void> => {
    const existing = new Set(await ask(() => existingIndexes(collection, maxTimeMS)));
    const missing = indexes.filter((index) => !existing.has(indexText(index)));
    if (missing.length > 0) await ask(() => collection.createIndexes([...missing]));
  };
  await retry(createMissing, {
    backoff: { baseMs: 1, maxMs: 50 },
    retriable: (error, attempt) =>
      error instanceof UnavailableError && attempt + 1 < MAX_INDEX_ATTEMPTS,
  });
};

const indexText = ({ name, key }: Index): string => JSON.stringify([name, Object.entries(key)]);

const existingIndexes = async (
  collection: Pick<Collection, 'listIndexes'>,
  maxTimeMS: number,
): Promise<readonly string[]> => {
  try {
    return (await collection.listIndexes({ maxTimeMS }).toArray()).map((one) =>
      indexText(one as Index),
    );
  } catch (error) {
    if (isNoCollection(error)) return [];
    throw error;
  }
};

/**
 * Drops the collections of pruned versions. The record of a version is written before its
 * collections are created, so a collection that was listed before the records and has none is an
 * orphan.
 */
export const dropOrphans = async (
  { db, ask, timeoutMs: maxTimeMS }: MongodbConnection,
  versions: () => Promise<readonly KeyedVersion[]>,
): Promise<void> => {
  const listed = await ask(() => db.listCollections({}, { nameOnly: true, maxTimeMS }).toArray());
  const keys = new Set((await versions()).map(({ key }) => key));
  for (const { name } of listed) {
    const key = KEY_IN_NAME.exec(name)?.[1];
    if (key !== undefined && !keys.has(key)) await ask(() => db.dropCollection(name));
  }
};

/** Covers everything that shapes a stored field or an index, including search texts. */
export const fingerprintOfCollections = (
  { interactions, days, animes }: DocumentBatch,
  indexes: unknown = INDEXES,
): string => {
  const hash = createHash('sha256').update(JSON.stringify(indexes));
  const stored = [
    ...interactions.map((each) => storedInteraction(each, 0)),
    ...days.map((each) => storedDay(each, 0)),
    ...animes.map((each) => storedAnime(each, 0)),
  ];
  for (const each of stored) hash.update(BSON.serialize(each));
  return hash.digest('hex').slice(0, 12);
};
