import { expect } from 'chai';
import type { DocumentStore } from '../../src/ports/read-store.js';
import { createDocumentCache } from '../../src/read-side/projector/document-cache.js';
import { fromRecorded, type StreamEvent } from '../../src/wire/stream-event.js';
import { animeId, events, userId } from '../support/examples.js';
import { logOf } from '../support/histories.js';
import { inMemoryDocuments } from '../support/in-memory-documents.js';
import {
  aDay,
  anAnimeDocument,
  anInteraction,
  openTemporaryReadStore,
} from '../support/read-store.js';

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

  it('does not treat a document as missing that was evicted from the cache of an empty store', async () => {
    const documents = inMemoryDocuments();
    const cache = createDocumentCache({ documents, maxDocuments: 2, startsEmpty: true });
    for (const id of IDS) {
      const [before] = await cache.cachedAnime([id]);
      if (before === undefined) expect.fail();
      const anime = anAnimeDocument({ animeId: id, revision: 7 });
      await documents.save({ interactions: [], days: [], animes: [anime] });
      cache.keep(before, { anime, interactions: [], days: [], unreadable: [] });
    }
    const found = await cache.cachedAnime(IDS);
    expect(found.map(({ document }) => document?.revision)).to.deep.equal([7, 7, 7]);
  });

  const click = (user: string): StreamEvent => {
    const data = { ...events.click.data, userId: userId(user) };
    const [item] = logOf([{ anime: 1, event: { ...events.click, data } }]).items;
    const reading = item && fromRecorded(item.event, null);
    return reading?.kind === 'event' ? reading.event : expect.fail();
  };

  const saved = { anime: anAnimeDocument({ revision: 3 }), days: [], unreadable: [] };
  const users = ['spike', 'faye', 'jet'].map((user) => anInteraction({ userId: userId(user) }));

  for (const [maxDocuments, cached, read] of [
    [4, 3, 0],
    [3, 0, 1],
  ] as const) {
    it(`has ${cached} of 3 users of an anime where it may hold ${maxDocuments} documents`, async () => {
      const documents = inMemoryDocuments();
      const cache = createDocumentCache({ documents, maxDocuments, startsEmpty: true });
      const [before] = await cache.cachedAnime([animeId(1)]);
      if (before === undefined) expect.fail();
      await documents.save({ interactions: users, days: [], animes: [saved.anime] });
      cache.keep(before, { ...saved, interactions: users });
      const [after] = await cache.cachedAnime([animeId(1)]);
      if (after === undefined) expect.fail();
      expect(after.document).to.deep.equal(saved.anime);
      expect(after.parts.users.size).to.equal(cached);
      const loaded = await cache.load([{ cached: after, run: [click('faye')] }]);
      expect(loaded.get(after) ?? []).to.have.length(read);
    });
  }

  it('counts the days of an anime as documents, too', async () => {
    const documents = inMemoryDocuments();
    const cache = createDocumentCache({ documents, maxDocuments: 4, startsEmpty: true });
    const [before] = await cache.cachedAnime([animeId(1)]);
    if (before === undefined) expect.fail();
    const days = ['2026-11-22', '2026-11-23', '2026-11-24'].map((day) => aDay({ day }));
    await documents.save({ interactions: users.slice(1, 2), days, animes: [saved.anime] });
    cache.keep(before, { ...saved, interactions: users.slice(1, 2), days });
    const [after] = await cache.cachedAnime([animeId(1)]);
    if (after === undefined) expect.fail();
    expect(after.document).to.deep.equal(saved.anime);
    expect(after.parts.days.size).to.equal(0);
    const loaded = await cache.load([{ cached: after, run: [click('faye')] }]);
    expect(loaded.get(after)).to.have.length(2);
  });

  it('does not treat a document as missing that was evicted while others of its batch were saved', async () => {
    const documents = inMemoryDocuments();
    const cache = createDocumentCache({ documents, maxDocuments: 2, startsEmpty: true });
    for (const before of await cache.cachedAnime(IDS)) {
      const anime = anAnimeDocument({ animeId: before.animeId, revision: 7 });
      await documents.save({ interactions: [], days: [], animes: [anime] });
      cache.keep(before, { anime, interactions: [], days: [], unreadable: [] });
    }
    const found = await cache.cachedAnime(IDS);
    expect(found.map(({ document }) => document?.revision)).to.deep.equal([7, 7, 7]);
  });

  it('reads nothing of a store that was empty while it holds all that was saved', async () => {
    const documents = inMemoryDocuments();
    let reads = 0;
    const counting: DocumentStore = {
      ...documents,
      animes: (ids) => ((reads += 1), documents.animes(ids)),
      interactions: (keys) => ((reads += 1), documents.interactions(keys)),
      days: (keys) => ((reads += 1), documents.days(keys)),
    };
    const cache = createDocumentCache({
      documents: counting,
      maxDocuments: 99,
      startsEmpty: true,
    });
    for (const interactions of [users, []]) {
      const [cached] = await cache.cachedAnime([animeId(1)]);
      if (cached === undefined) expect.fail();
      cache.keep(cached, { ...saved, interactions });
    }
    const [cached] = await cache.cachedAnime(IDS.toSorted());
    if (cached === undefined) expect.fail();
    await cache.load([{ cached, run: [click('ed')] }]);
    expect(reads).to.equal(0);
  });
});
