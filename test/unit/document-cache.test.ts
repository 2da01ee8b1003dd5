import { expect } from 'chai';
import { createDocumentCache } from '../../src/read-side/projector/document-cache.js';
import { animeId } from '../support/examples.js';
import { anAnimeDocument, openTemporaryReadStore } from '../support/read-store.js';

const IDS = [3, 1, 2].map(animeId);

describe('the cache of documents', () => {
  it('does not treat an evicted document as missing', async () => {
    const { store, stop } = await openTemporaryReadStore();
    try {
      await store.createVersion('v1', 'log');
      const documents = store.documents('v1');
      const animes = IDS.map((id) => anAnimeDocument({ animeId: id, revision: 7 }));
      await documents.save({ interactions: [], days: [], animes });
      const cache = createDocumentCache({ documents, maxDocuments: 2, startsEmpty: false });
      await cache.cachedAnime([animeId(1), animeId(2)]);
      const cachedAnime = await cache.cachedAnime(IDS);
      expect(cachedAnime.map(({ document }) => document?.revision)).to.deep.equal([7, 7, 7]);
    } finally {
      await stop();
    }
  });
});
