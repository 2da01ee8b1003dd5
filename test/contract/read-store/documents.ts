import { expect } from 'chai';
import fc from 'fast-check';
import type { ReadStore } from '../../../src/ports/read-store.js';
import { animeId, userId } from '../../support/examples.js';
import { aBatch, aDay, anAnimeDocument, anInteraction } from '../../support/read-store.js';
import { animeDocument, dayDocument, interactionDocument, text } from './arbitraries.js';
import { byCodePoints, collect, freshVersion, versionWith, withFreshVersion } from './given.js';
import type { ReadStoreTarget } from './target.js';

export const documentClauses = ({ cases }: ReadStoreTarget, open: () => ReadStore): void => {
  it('RS-1 reads an anime back as it was saved', async () => {
    const { documents } = await freshVersion(open());
    let revision = 0;
    await fc.assert(
      fc.asyncProperty(animeDocument, async (any) => {
        const document = { ...any, generation: 9, revision: ++revision };
        await documents.save(aBatch({ animes: [document] }));
        expect(await documents.animes([document.animeId])).to.deep.equal([document]);
      }),
      { numRuns: cases },
    );
  });

  it('RS-1 reads an interaction back as it was saved, whatever text its user has', async () => {
    const { documents } = await freshVersion(open());
    let revision = 0;
    await fc.assert(
      fc.asyncProperty(interactionDocument, async (any) => {
        const document = { ...any, generation: 9, revision: ++revision };
        await documents.save(aBatch({ interactions: [document] }));
        expect(await documents.interactions([document])).to.deep.equal([document]);
      }),
      { numRuns: cases },
    );
  });

  it('RS-1 reads a day back as it was saved', async () => {
    const { documents } = await freshVersion(open());
    let revision = 0;
    await fc.assert(
      fc.asyncProperty(dayDocument, async (any) => {
        const document = { ...any, generation: 9, revision: ++revision };
        await documents.save(aBatch({ days: [document] }));
        expect(await documents.days([document])).to.deep.equal([document]);
      }),
      { numRuns: cases },
    );
  });

  it('RS-1 omits missing documents', async () => {
    const one = anAnimeDocument();
    const { documents } = await versionWith(open(), { animes: [one] });
    expect(await documents.animes([animeId(2), animeId(1), animeId(3)])).to.deep.equal([one]);
    expect(await documents.interactions([anInteraction()])).to.deep.equal([]);
    expect(await documents.days([aDay()])).to.deep.equal([]);
    expect(await documents.animes([])).to.deep.equal([]);
  });

  it('RS-1 finds many documents by their keys', async () => {
    const ids = Array.from({ length: 1200 }, (_, n) => animeId(n + 1));
    const { documents } = await versionWith(open(), {
      animes: ids.map((id) => anAnimeDocument({ animeId: id })),
      interactions: ids.map((id) => anInteraction({ animeId: id })),
      days: ids.map((id) => aDay({ animeId: id })),
    });
    const keys = ids.map((id) => ({ animeId: id, userId: userId('spike'), day: '2026-11-24' }));
    expect(await documents.animes(ids)).to.have.length(1200);
    expect(await documents.interactions(keys)).to.have.length(1200);
    expect(await documents.days(keys)).to.have.length(1200);
  });

  it('RS-1 lists all documents of a kind in key order', async () => {
    const ids = Array.from({ length: 1100 }, (_, n) => animeId(n * 7 + 1));
    const users = [...ids.map((id) => `user-${id}`), 'Z', 'é', '\uffff', '\ud83d\ude00'];
    const days = Array.from({ length: 28 }, (_, n) => `2026-02-${String(n + 1).padStart(2, '0')}`);
    const { documents } = await versionWith(open(), {
      animes: ids.toReversed().map((id) => anAnimeDocument({ animeId: id })),
      interactions: users.map((user) => anInteraction({ userId: userId(user) })),
      days: days.toReversed().map((day) => aDay({ day })),
    });
    const animes = await collect(documents.allAnimes());
    const interactions = await collect(documents.allInteractions(animeId(1)));
    expect(animes.map((one) => one.animeId)).to.deep.equal(ids);
    expect(interactions.map((one) => one.userId)).to.deep.equal(users.toSorted(byCodePoints));
    expect((await collect(documents.allDays(animeId(1)))).map(({ day }) => day)).to.deep.equal(
      days,
    );
    expect(await collect(documents.allInteractions(animeId(2)))).to.deep.equal([]);
  });

  it('RS-6 keeps users apart whose ids are similar', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(text, { minLength: 2, maxLength: 20 }), (users) =>
        withFreshVersion(open(), async ({ documents, queries }) => {
          const saved = users.map((user, n) => anInteraction({ userId: userId(user), clicks: n }));
          await documents.save(aBatch({ interactions: saved }));
          for (const document of saved) {
            expect(await documents.interactions([document])).to.deep.equal([document]);
            expect(await queries.interactionsOf(document.userId, 10, null)).to.deep.equal({
              items: [document],
              hasMore: false,
            });
          }
        }),
      ),
      { numRuns: Math.ceil(cases / 10) },
    );
  });
};
