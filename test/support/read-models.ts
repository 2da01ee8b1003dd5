import type { DocumentBatch } from '../../src/ports/read-store.js';
import type { QueryApiOptions } from '../../src/query-side/graphql/query-api.js';
import { serveQueryApi } from './query-api.js';
import { aBatch, openTemporaryReadStore } from './read-store.js';

/** The query API over an embedded read store whose active version holds the given documents. */
export const givenReadModels = async (
  documents: Partial<DocumentBatch>,
  options: Partial<QueryApiOptions> = {},
) => {
  const { store, stop } = await openTemporaryReadStore();
  await store.createVersion('v1', 'log');
  const save = (batch: Partial<DocumentBatch>) => store.documents('v1').save(aBatch(batch));
  await save(documents);
  const api = await serveQueryApi({ readStore: store, ...options });
  return {
    ...api,
    store,
    save,
    stop: async () => {
      await api.stop();
      await stop();
    },
  };
};
