import { expect } from 'chai';
import { UnavailableError } from '../../../src/ports/errors.js';
import type { AnimeDocument, ReadStore } from '../../../src/ports/read-store.js';
import { animeId, userId } from '../../support/examples.js';
import { eventually } from '../../support/eventually.js';
import { aBatch, aDay, anAnimeDocument, anInteraction } from '../../support/read-store.js';
import { rejectionOf } from '../../support/rejection-of.js';
import { collect, freshVersion, using } from './given.js';
import type { ReadStoreTarget } from './target.js';

const position = (commit: bigint, prepare = commit) => ({ commit, prepare });

export const lifetimeClauses = (target: ReadStoreTarget, open: () => ReadStore): void => {
  it('RS-5 has no flushed position at first, and then exactly the last one given', async () => {
    const { documents } = await freshVersion(open());
    expect(await documents.flushed()).to.equal(null);
    for (const given of [position(5n), position(2n ** 63n - 1n, 2n ** 53n + 1n), position(7n)]) {
      await documents.setFlushed(given);
      expect(await documents.flushed()).to.deep.equal(given);
    }
  });

  it('RS-5 keeps a position per version', async () => {
    const one = await freshVersion(open());
    const other = await freshVersion(open());
    await one.documents.setFlushed(position(5n));
    expect(await other.documents.flushed()).to.equal(null);
  });

  it('RS-5 still has documents and position after the store is opened again', () =>
    using(target.open(), async (store, reopen) => {
      const { name, documents } = await freshVersion(store);
      await documents.save(
        aBatch({ animes: [anAnimeDocument()], interactions: [anInteraction()], days: [aDay()] }),
      );
      await documents.setFlushed(position(42n, 41n));
      const again = (await reopen()).documents(name);
      expect(await again.animes([animeId(1)])).to.deep.equal([anAnimeDocument()]);
      expect(await again.interactions([anInteraction()])).to.deep.equal([anInteraction()]);
      expect(await again.days([aDay()])).to.deep.equal([aDay()]);
      expect(await again.flushed()).to.deep.equal(position(42n, 41n));
    }));

  it('RS-16 notifies of saved anime once they can be read, until the listener is removed', async () => {
    const { documents, queries } = await freshVersion(open());
    const read: Promise<AnimeDocument | null>[] = [];
    const stopListening = open().onSaved((animes) => {
      for (const { animeId: id } of animes) read.push(queries.anime(id));
    });
    const first = anAnimeDocument({ clicks: 1 });
    await documents.save(aBatch({ animes: [first], interactions: [anInteraction()] }));
    await eventually(() => expect(read).to.have.length(1));
    expect(await Promise.all(read)).to.deep.equal([first]);
    stopListening();
    await documents.save(aBatch({ animes: [anAnimeDocument({ revision: 1 })] }));
    expect(read).to.have.length(1);
  });

  it('RS-16 does not notify of refused documents', async () => {
    const { documents } = await freshVersion(open());
    const saved = anAnimeDocument({ revision: 5, lastEventId: 'left-alone' });
    await documents.save(aBatch({ animes: [saved] }));
    const told: AnimeDocument[] = [];
    const stopListening = open().onSaved((animes) => told.push(...animes));
    const other = anAnimeDocument({ animeId: animeId(2) });
    await documents.save(aBatch({ animes: [saved, other] }));
    await eventually(() => expect(told).to.deep.equal([other]));
    await documents.save(aBatch({ animes: [saved, other] }));
    stopListening();
    expect(told).to.deep.equal([other]);
  });

  it('RS-23 tells of saved anime, by another process too, until the listener is removed', async () => {
    const { documents } = await freshVersion(open());
    const told = new Set<number | null>();
    const stopListening = open().onChanged((ids) => {
      for (const id of ids ?? [null]) told.add(id);
    });
    await documents.save(aBatch({ animes: [anAnimeDocument({ animeId: animeId(77) })] }));
    await eventually(() => expect(told.has(77) || told.has(null)).to.equal(true));
    stopListening();
    told.clear();
    await documents.save(aBatch({ animes: [anAnimeDocument({ animeId: animeId(78) })] }));
    expect(told.has(78)).to.equal(false);
  });

  it('RS-16 saves although a listener fails', async () => {
    const { documents } = await freshVersion(open());
    const stopListening = open().onSaved(() => {
      throw new Error('A listener failed.');
    });
    expect(await documents.save(aBatch({ animes: [anAnimeDocument()] }))).to.deep.equal({
      refused: 0,
    });
    stopListening();
  });

  it('responds to a ping', () => open().ping());

  it('settles calls in flight when closed, may be closed twice, and is unavailable afterwards', () =>
    using(target.open(), async (store, reopen) => {
      const { name, documents, queries } = await freshVersion(store);
      const animes = Array.from({ length: 200 }, (_, n) =>
        anAnimeDocument({ animeId: animeId(n + 1) }),
      );
      const saves = animes.map((anime) => documents.save(aBatch({ animes: [anime] })));
      await Promise.all([store.close(), store.close()]);
      const settled = await Promise.allSettled(saves);
      const calls = [
        store.versions(),
        store.createVersion('late', 'log-1'),
        store.markReady(name),
        store.promote(name),
        store.prune(name),
        store.active(),
        store.ping(),
        documents.animes([animeId(1)]),
        documents.interactions([anInteraction()]),
        documents.days([aDay()]),
        documents.save(aBatch({ animes: [anAnimeDocument({ revision: 9 })] })),
        documents.save(aBatch({})),
        documents.flushed(),
        documents.setFlushed(position(1n)),
        collect(documents.allAnimes()),
        collect(documents.allInteractions(animeId(1))),
        collect(documents.allDays(animeId(1))),
        queries.anime(animeId(1)),
        queries.topByViews(1),
        queries.topByRating(1, 1),
        queries.search({ sortBy: 'title', offset: 0, limit: 1 }),
        queries.trending('2026-11-24', 1),
        queries.recommended(animeId(1), 1),
        queries.genres(),
        queries.interactionsOf(userId('spike'), 1, null),
        queries.activityOf(animeId(1), { from: '2026-11-24', to: '2026-11-24' }),
        queries.activity({ from: '2026-11-24', to: '2026-11-24' }),
        queries.totals(),
        store.queries(name).genres(),
        store.documents(name).flushed(),
      ];
      for (const error of await Promise.all(calls.map(rejectionOf))) {
        expect(error).to.be.instanceOf(UnavailableError);
      }

      const kept = await collect((await reopen()).documents(name).allAnimes());
      const resolved = animes.filter((_, n) => settled[n]?.status === 'fulfilled');
      expect(kept).to.include.deep.members(resolved);
    }));
};
