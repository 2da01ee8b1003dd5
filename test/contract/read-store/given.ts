import { randomUUID } from 'node:crypto';
import type {
  AnimeDocument,
  DocumentBatch,
  DocumentStore,
  ReadQueries,
  ReadStore,
} from '../../../src/ports/read-store.js';
import { aBatch } from '../../support/read-store.js';
import type { OpenReadStore } from './target.js';

export interface Version {
  readonly name: string;
  readonly documents: DocumentStore;
  readonly queries: ReadQueries;
}

/** A version that no other test uses. */
export const freshVersion = async (store: ReadStore): Promise<Version> => {
  const name = `contract-${randomUUID()}`;
  await store.createVersion(name, 'log-1');
  return { name, documents: store.documents(name), queries: store.queries(name) };
};

/** A fresh version that is removed again, for rules tested with many of them. */
export const withFreshVersion = async (
  store: ReadStore,
  body: (version: Version) => Promise<void>,
): Promise<void> => {
  const version = await freshVersion(store);
  try {
    await body(version);
  } finally {
    await store.prune(version.name);
  }
};

/** A fresh version that holds these documents. */
export const versionWith = async (
  store: ReadStore,
  batch: Partial<DocumentBatch>,
): Promise<Version> => {
  const version = await freshVersion(store);
  await version.documents.save(aBatch(batch));
  return version;
};

export const collect = async <T>(items: AsyncIterable<T>): Promise<T[]> => {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
};

export const idsOf = (documents: readonly Pick<AnimeDocument, 'animeId'>[]): number[] =>
  documents.map(({ animeId }) => animeId);

/** The order of keys: by code points, which equals the order of their UTF-8 bytes. */
export const byCodePoints = (a: string, b: string): number =>
  Buffer.compare(Buffer.from(a), Buffer.from(b));

/** All documents of a version, in key order. */
export const contentOf = async ({ documents }: Version) => {
  const animes = await collect(documents.allAnimes());
  const parts = animes.map(async ({ animeId }) => ({
    interactions: await collect(documents.allInteractions(animeId)),
    days: await collect(documents.allDays(animeId)),
  }));
  return { animes, parts: await Promise.all(parts) };
};

/** A store for one test, stopped whatever the outcome. */
export const using = async (
  opening: Promise<OpenReadStore>,
  body: (store: ReadStore, reopen: OpenReadStore['reopen']) => Promise<void>,
): Promise<void> => {
  const opened = await opening;
  try {
    await body(opened.store, opened.reopen);
  } finally {
    await opened.stop();
  }
};
