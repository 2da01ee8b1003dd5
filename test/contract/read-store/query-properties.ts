import { expect } from 'chai';
import fc from 'fast-check';
import type {
  AnimeDocument,
  DailyActivityDocument,
  InteractionDocument,
  ReadQueries,
  ReadStore,
} from '../../../src/ports/read-store.js';
import { catalogue, DAYS, id, limit, searchIn, USERS } from './catalogues.js';
import { withFreshVersion } from './given.js';
import * as model from './model.js';
import type { ReadStoreTarget } from './target.js';

/** Catalogues that replace each other. */
const history = fc.array(catalogue, { minLength: 1, maxLength: 3 });

const keyOf = {
  animes: (one: AnimeDocument) => String(one.animeId),
  days: (one: DailyActivityDocument) => `${one.animeId} ${one.day}`,
  interactions: (one: InteractionDocument) => JSON.stringify([one.animeId, one.userId]),
};

const over = <T>(older: readonly T[], newer: readonly T[], key: (one: T) => string): T[] => [
  ...new Map([...older, ...newer].map((one) => [key(one), one])).values(),
];

/** Saves one catalogue after the other and queries after each. */
const saveAndAsk = (
  store: ReadStore,
  catalogues: readonly model.Catalogue[],
  ask: (queries: ReadQueries, given: model.Catalogue) => Promise<void>,
): Promise<void> =>
  withFreshVersion(store, async ({ documents, queries }) => {
    let given: model.Catalogue = { animes: [], days: [], interactions: [] };
    for (const [generation, next] of catalogues.entries()) {
      const batch: model.Catalogue = {
        animes: next.animes.map((one) => ({ ...one, generation })),
        days: next.days.map((one) => ({ ...one, generation })),
        interactions: next.interactions.map((one) => ({ ...one, generation })),
      };
      await documents.save(batch);
      given = {
        animes: over(given.animes, batch.animes, keyOf.animes),
        days: over(given.days, batch.days, keyOf.days),
        interactions: over(given.interactions, batch.interactions, keyOf.interactions),
      };
      await ask(queries, given);
    }
  });

const searches = history.chain((catalogues) => {
  const titles = catalogues.flatMap(({ animes }) => animes.map((one) => one.details.title));
  return fc.tuple(
    fc.constant(catalogues),
    fc.array(searchIn(titles), { minLength: 1, maxLength: 10 }),
  );
});

export const queryProperties = ({ cases }: ReadStoreTarget, open: () => ReadStore): void => {
  // Shrinking a failure must end before the test times out.
  const limits = { numRuns: Math.ceil(cases / 2), interruptAfterTimeLimit: 30_000 };

  it('RS-8 searches any catalogue as a plain filter and sort do', () =>
    fc.assert(
      fc.asyncProperty(searches, ([catalogues, asked]) =>
        saveAndAsk(open(), catalogues, async (queries, given) => {
          for (const query of asked) {
            expect(await queries.search(query)).to.deep.equal(model.search(given, query));
          }
        }),
      ),
      limits,
    ));

  const since = fc.constantFrom(...DAYS, '2026-11-23', '2026-11-25');

  it('RS-7 RS-9 ranks any catalogue as a plain sort does', () =>
    fc.assert(
      fc.asyncProperty(
        history,
        limit,
        fc.integer({ min: 1, max: 6 }),
        fc.array(since, { minLength: 1, maxLength: 6 }),
        (catalogues, most, minRatings, from) =>
          saveAndAsk(open(), catalogues, async (queries, given) => {
            expect(await queries.topByViews(most)).to.deep.equal(model.topByViews(given, most));
            expect(await queries.topByRating(most, minRatings)).to.deep.equal(
              model.topByRating(given, most, minRatings),
            );
            for (const day of from) {
              expect(await queries.trending(day, most)).to.deep.equal(
                model.trending(given, day, most),
              );
            }
          }),
      ),
      limits,
    ));

  it('RS-10 RS-11 RS-12 recommends and lists any catalogue as a plain filter does', () =>
    fc.assert(
      fc.asyncProperty(history, limit, id, fc.option(id), (catalogues, most, one, after) =>
        saveAndAsk(open(), catalogues, async (queries, given) => {
          expect(await queries.recommended(one, most)).to.deep.equal(
            model.recommended(given, one, most),
          );
          expect(await queries.genres()).to.deep.equal(model.genres(given));
          for (const user of USERS) {
            expect(await queries.interactionsOf(user, most, after)).to.deep.equal(
              model.interactionsOf(given, user, most, after),
            );
          }
        }),
      ),
      limits,
    ));
};
