import type { Db } from 'mongodb';
import { isAnimeCollection } from './version-collections.js';

const SAVES = { $match: { operationType: { $in: ['insert', 'update', 'replace'] } } };
const ONLY_NAMES = { $project: { operationType: 1, ns: 1, documentKey: 1 } };

/**
 * The ids of anime documents that any process saves from now on, by a change stream over the
 * database. Rejects where the server has none: it needs a replica set or a sharded cluster.
 */
export async function* watchSaves(
  db: Db,
  signal: AbortSignal,
): AsyncGenerator<string, void, undefined> {
  const stream = db.watch([SAVES, ONLY_NAMES]);
  const close = (): void => void stream.close().catch(() => undefined);
  signal.addEventListener('abort', close, { once: true });
  try {
    if (signal.aborted) return;
    for await (const change of stream) {
      if (!('documentKey' in change) || !('ns' in change)) continue;
      const { ns, documentKey } = change as Change;
      if (isAnimeCollection(ns.coll)) yield String(documentKey._id);
    }
  } finally {
    signal.removeEventListener('abort', close);
    close();
  }
}

interface Change {
  readonly ns: { readonly coll: string };
  readonly documentKey: { readonly _id: unknown };
}
