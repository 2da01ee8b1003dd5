import { expect } from 'chai';
import fc from 'fast-check';
import type { DocumentBatch, Guarded, ReadStore } from '../../../src/ports/read-store.js';
import { animeId } from '../../support/examples.js';
import { aBatch, aDay, anAnimeDocument, anInteraction } from '../../support/read-store.js';
import { contentOf, freshVersion, versionWith, withFreshVersion, type Version } from './given.js';
import { skipBecause, type ReadStoreTarget } from './target.js';

/** The three documents of one anime at one revision; `mark` identifies the writer. */
const written = (guard: Guarded, mark: number, id = 1): DocumentBatch => ({
  interactions: [anInteraction({ ...guard, animeId: animeId(id), clicks: mark })],
  days: [aDay({ ...guard, animeId: animeId(id), clicks: mark })],
  animes: [anAnimeDocument({ ...guard, animeId: animeId(id), clicks: mark })],
});

const joined = (batches: readonly DocumentBatch[]): DocumentBatch => ({
  interactions: batches.flatMap(({ interactions }) => interactions),
  days: batches.flatMap(({ days }) => days),
  animes: batches.flatMap(({ animes }) => animes),
});

const expectWritten = async (version: Version, batch: DocumentBatch) =>
  expect(await contentOf(version)).to.deep.equal({
    animes: batch.animes,
    parts: batch.animes.map(({ animeId: id }) => ({
      interactions: batch.interactions.filter((one) => one.animeId === id),
      days: batch.days.filter((one) => one.animeId === id),
    })),
  });

export const guardingClauses = (target: ReadStoreTarget, open: () => ReadStore): void => {
  const { cases } = target;

  for (const [what, older, newer] of [
    ['revision', { generation: 0, revision: 4 }, { generation: 0, revision: 5 }],
    [
      'generation, whatever its revision,',
      { generation: 0, revision: 9 },
      { generation: 1, revision: 0 },
    ],
  ] as const) {
    it(`RS-2 replaces a document by one of a higher ${what} and not by a lower one`, async () => {
      const version = await versionWith(open(), written(older, 1));
      expect(await version.documents.save(written(newer, 2))).to.deep.equal({ refused: 0 });
      expect(await version.documents.save(written(older, 3))).to.deep.equal({ refused: 3 });
      await expectWritten(version, written(newer, 2));
    });
  }

  it("RS-2 decides by the guard for a user's only interaction, too, stored before or not", async () => {
    const only = (revision: number) => written({ generation: 0, revision }, 1);
    const version = await freshVersion(open());
    expect(await version.documents.save(only(5))).to.deep.equal({ refused: 0 });
    expect(await version.documents.save(only(4))).to.deep.equal({ refused: 3 });
    await expectWritten(version, only(5));
    const others = joined([only(6), written({ generation: 0, revision: 6 }, 1, 2)]);
    expect(await version.documents.save(others)).to.deep.equal({ refused: 0 });
    await expectWritten(version, others);
  });

  it('RS-2 keeps a document at the same revision, whatever it contains', async () => {
    const guard = { generation: 1, revision: 7 };
    const version = await versionWith(open(), written(guard, 1));
    expect(await version.documents.save(written(guard, 2))).to.deep.equal({ refused: 3 });
    await expectWritten(version, written(guard, 1));
  });

  it('RS-2 decides separately for each document of a batch', async () => {
    const version = await versionWith(open(), written({ generation: 0, revision: 5 }, 1, 1));
    const batch = joined([
      written({ generation: 0, revision: 4 }, 2, 1),
      written({ generation: 0, revision: 4 }, 2, 2),
    ]);
    expect(await version.documents.save(batch)).to.deep.equal({ refused: 3 });
    await expectWritten(
      version,
      joined([
        written({ generation: 0, revision: 5 }, 1, 1),
        written({ generation: 0, revision: 4 }, 2, 2),
      ]),
    );
  });

  it('RS-2 decides separately for each document of a large batch', async () => {
    const guard = { generation: 0, revision: 5 };
    const ids = Array.from({ length: 100 }, (_, index) => index + 1);
    const even = joined(ids.filter((id) => id % 2 === 0).map((id) => written(guard, 1, id)));
    const version = await versionWith(open(), even);
    const all = joined(ids.map((id) => written(guard, 2, id)));
    expect(await version.documents.save(all)).to.deep.equal({ refused: 150 });
    await expectWritten(version, joined(ids.map((id) => written(guard, id % 2 === 0 ? 1 : 2, id))));
  });

  const guards = fc.uniqueArray(
    fc.record({ id: fc.integer({ min: 1, max: 3 }), generation: fc.nat(2), revision: fc.nat(5) }),
    { selector: (one) => JSON.stringify(one), minLength: 1, maxLength: 40 },
  );

  /** The highest document of each anime, ordered by id. */
  const winners = (saves: readonly (Guarded & { readonly id: number })[]): DocumentBatch =>
    joined(
      [1, 2, 3].flatMap((id) => {
        const [winner] = saves
          .map((save, mark) => ({ save, mark }))
          .filter(({ save }) => save.id === id)
          .sort((a, b) => higher(a.save, b.save));
        return winner === undefined ? [] : [writtenBy(winner.save, winner.mark)];
      }),
    );

  const higher = (a: Guarded, b: Guarded): number =>
    b.generation - a.generation || b.revision - a.revision;

  const writtenBy = (save: Guarded & { readonly id: number }, mark: number): DocumentBatch =>
    written({ generation: save.generation, revision: save.revision }, mark, save.id);

  it('RS-2 ends in the highest generation and revision, in any order of saves', async () => {
    await fc.assert(
      fc.asyncProperty(guards, (saves) =>
        withFreshVersion(open(), async (version) => {
          for (const [mark, save] of saves.entries()) {
            await version.documents.save(writtenBy(save, mark));
          }
          await expectWritten(version, winners(saves));
        }),
      ),
      { numRuns: Math.ceil(cases / 5) },
    );
  });

  it('RS-2 ends in the highest generation and revision when saves run at the same time', async function () {
    const shown = target.concurrentWriters === true || (await target.concurrentWriters());
    if (shown !== true) return skipBecause(this, shown);
    await fc.assert(
      fc.asyncProperty(guards, (saves) =>
        withFreshVersion(open(), async (version) => {
          await Promise.all(
            saves.map((save, mark) => version.documents.save(writtenBy(save, mark))),
          );
          await expectWritten(version, winners(saves));
        }),
      ),
      { numRuns: Math.ceil(cases / 5) },
    );
  });

  it('RS-4 changes nothing when a batch is saved again', async () => {
    const batch = joined([1, 2, 3].map((id) => written({ generation: 0, revision: id }, id, id)));
    const version = await versionWith(open(), batch);
    expect(await version.documents.save(batch)).to.deep.equal({ refused: 9 });
    await expectWritten(version, batch);
  });

  it('RS-4 saves nothing of an empty batch', async () => {
    const version = await freshVersion(open());
    expect(await version.documents.save(aBatch({}))).to.deep.equal({ refused: 0 });
    await expectWritten(version, aBatch({}));
  });
};
