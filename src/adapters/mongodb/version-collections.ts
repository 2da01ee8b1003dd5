import { createHash } from 'node:crypto';
import {
  BSON,
  type Collection,
  type CollectionOptions,
  type Db,
  type ReadPreference,
} from 'mongodb';
import { retry } from '../../platform/async/retry.js';
import { UnavailableError } from '../../ports/errors.js';
import type { DocumentBatch } from '../../ports/read-store.js';
import { readableVersion } from '../read-store/version-rules.js';
import { isNoCollection, type MongodbConnection } from './connection.js';
import {
  storedAnime,
  type StoredAnime,
  storedDay,
  type StoredDay,
  storedInteraction,
  type StoredInteraction,
} from './stored-documents.js';
import type { KeyedVersion, StoredVersions } from './stored-versions.js';

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

export const isAnimeCollection = (name: string): boolean => /^v_[0-9a-f]+_animes$/.test(name);

const collectionsOf = (db: Db, key: string, options: CollectionOptions): VersionCollections => ({
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
  days: [
    {
      name: 'by_day',
      key: {
        'd.day': 1,
        'd.animeId': 1,
        'd.total': 1,
        'd.clicks': 1,
        'd.views': 1,
        'd.ratings': 1,
        'd.seconds': 1,
      },
    },
  ],
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
export const ensureIndexesOf = async (
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

/** The collections of a version with the read settings of each kind of reader. */
interface KnownVersion {
  readonly key: string;
  /** For the projector: the primary with majority reads. */
  readonly exact: VersionCollections;
  /** For queries: the members named by the read preference. */
  readonly near: VersionCollections;
}

/** Finds the collections of a version by its name. */
export interface VersionAccess {
  /**
   * Checks with the server first: a write to a pruned version would create its collections again.
   */
  confirmed(name: string): Promise<KnownVersion>;
  /**
   * Reads from the collections cached for this name. Only if nothing is found does it check whether
   * another process pruned or recreated the version.
   */
  read<T>(name: string, question: (version: KnownVersion) => Promise<T>): Promise<T>;
}

export const createVersionAccess = (
  { db }: MongodbConnection,
  versions: StoredVersions,
  {
    readPreference,
    fingerprint,
  }: { readonly readPreference: ReadPreference; readonly fingerprint: string },
): VersionAccess => {
  const known = new Map<string, KnownVersion>();

  const open = (key: string): KnownVersion => ({
    key,
    exact: collectionsOf(db, key, {
      readPreference: 'primary',
      readConcern: { level: 'majority' },
    }),
    near: collectionsOf(db, key, { readPreference }),
  });

  const confirmed = async (name: string): Promise<KnownVersion> => {
    const all = await versions.read();
    const before = known.get(name);
    // Stays out of the cache if the version is no longer readable.
    known.delete(name);
    const { key } = readableVersion(all, name, fingerprint);
    const version = before?.key === key ? before : open(key);
    known.set(name, version);
    return version;
  };

  return {
    confirmed,
    read: async (name, question) => {
      const version = known.get(name) ?? (await confirmed(name));
      const answer = await question(version);
      if (!isNothing(answer)) return answer;
      const now = await confirmed(name);
      return now.key === version.key ? answer : question(now);
    },
  };
};

const isNothing = (answer: unknown): boolean => {
  if (Array.isArray(answer)) return answer.length === 0;
  if (typeof answer !== 'object' || answer === null) return true;
  return 'items' in answer && isNothing(answer.items);
};
