import { BSON, type Collection } from 'mongodb';
import { retry } from '../../platform/async/retry.js';
import { TooLargeError } from '../../ports/errors.js';
import type { Guarded } from '../../ports/read-store.js';
import { inOneBatch } from './asked.js';
import type { MongodbConnection } from './connection.js';
import { isDuplicateKey } from './errors.js';
import type { StoredDocument } from './stored-documents.js';

/** Small enough to be written in time, large enough that round trips do not matter. */
const CHUNK = 500;
/** After a lost race the document exists, so the next attempt finds it. */
const MAX_WRITE_ATTEMPTS = 5;

/**
 * Replaces a document only by one with a higher (generation, revision), decided by the server in
 * one step: the greater of two embedded documents is the one whose first differing field is
 * greater. At the same revision the first saved document stays, because its precedence is higher.
 * Returns the ids of the saved documents.
 */
export const saveGuarded = async <Document extends Guarded>(
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

const MAX_BYTES = 16 * 1024 * 1024;

/** A far too large document overflows the driver's buffer with an error that does not say so. */
const assertFitting = (documents: readonly StoredDocument<Guarded>[], cause: unknown): void => {
  const tooLarge = documents.find((one) => BSON.calculateObjectSize(one) > MAX_BYTES);
  if (tooLarge === undefined) return;
  throw new TooLargeError('A document exceeds the size limit of MongoDB.', {
    cause,
    context: { id: tooLarge._id },
  });
};

/** The documents that are stored as this process wrote them. */
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
