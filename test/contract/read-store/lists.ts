import { expect } from 'chai';
import type { AnimeDetails } from '../../../src/domain/details.js';
import type {
  AnimeDocument,
  DailyActivityDocument,
  ReadStore,
} from '../../../src/ports/read-store.js';
import { animeId, COWBOY_BEBOP, userId } from '../../support/examples.js';
import { aBatch, aDay, anAnimeDocument, anInteraction } from '../../support/read-store.js';
import { idsOf, versionWith } from './given.js';

const anime = (id: number, given: Partial<AnimeDocument>, details: Partial<AnimeDetails> = {}) =>
  anAnimeDocument({
    ...given,
    animeId: animeId(id),
    details: { ...COWBOY_BEBOP, ...details },
  });

const withGenres = (id: number, genres: readonly string[], score: number | null = 5) =>
  anime(id, {}, { genres, score });

const rated = (id: number, ratingCount: number, mean: number) =>
  anime(id, { ratingCount, ratingSum: ratingCount * mean });

export const listClauses = (open: () => ReadStore): void => {
  it('RS-7 lists the most viewed first, ties by id, without unviewed ones', async () => {
    const { queries } = await versionWith(open(), {
      animes: [
        anime(1, { views: 3 }),
        anime(2, { views: 0, clicks: 50 }),
        anime(5, { views: 9 }),
        anime(4, { views: 9 }),
        anime(3, { views: 100, status: 'delisted' }),
      ],
    });
    expect(idsOf(await queries.topByViews(10))).to.deep.equal([4, 5, 1]);
    expect(idsOf(await queries.topByViews(2))).to.deep.equal([4, 5]);
  });

  it('RS-7 lists the best average first, then the most ratings, with enough ratings only', async () => {
    const { queries } = await versionWith(open(), {
      animes: [
        rated(1, 5, 800),
        rated(2, 4, 1000),
        rated(3, 6, 800),
        rated(4, 5, 801),
        rated(6, 5, 800),
        { ...rated(5, 9, 1000), status: 'delisted' },
      ],
    });
    expect(idsOf(await queries.topByRating(10, 5))).to.deep.equal([4, 3, 1, 6]);
    expect(idsOf(await queries.topByRating(1, 4))).to.deep.equal([2]);
  });

  it('RS-9 counts clicks, views and ratings since a day, that day included', async () => {
    const { queries } = await versionWith(open(), {
      animes: [1, 2, 3, 4, 5].map((id) =>
        anime(id, { views: id, status: id === 5 ? 'delisted' : 'listed' }),
      ),
      days: [
        aDay({ animeId: animeId(1), day: '2026-11-20', clicks: 100 }),
        aDay({ animeId: animeId(1), day: '2026-11-21', clicks: 1, views: 1, ratings: 1 }),
        aDay({ animeId: animeId(2), day: '2026-11-21', clicks: 2 }),
        aDay({ animeId: animeId(2), day: '2026-11-24', clicks: 2 }),
        aDay({ animeId: animeId(3), day: '2026-11-22', clicks: 0, views: 3 }),
        aDay({ animeId: animeId(4), day: '2026-11-23', clicks: 0, seconds: 60 }),
        aDay({ animeId: animeId(5), day: '2026-11-24', clicks: 50 }),
      ],
    });
    expect(idsOf(await queries.trending('2026-11-21', 10))).to.deep.equal([2, 3, 1]);
    expect(idsOf(await queries.trending('2026-11-20', 1))).to.deep.equal([1]);
    expect(idsOf(await queries.trending('2026-11-25', 10))).to.deep.equal([]);
  });

  it('RS-10 recommends by most shared genres, then best score, unknown scores last', async () => {
    const { queries } = await versionWith(open(), {
      animes: [
        withGenres(1, ['Action', 'Drama', 'Sci-Fi']),
        withGenres(2, ['Action'], 9),
        withGenres(3, ['Drama', 'Action', 'Action'], null),
        withGenres(4, ['Sci-Fi', 'Drama'], 2),
        withGenres(5, ['ÁCTION', 'action', 'Romance'], 10),
        withGenres(6, ['Sci-Fi'], 9),
        { ...withGenres(7, ['Action', 'Drama', 'Sci-Fi'], 10), status: 'delisted' },
      ],
    });
    expect(idsOf(await queries.recommended(animeId(1), 10))).to.deep.equal([4, 3, 5, 2, 6]);
    expect(idsOf(await queries.recommended(animeId(1), 1))).to.deep.equal([4]);
    expect(idsOf(await queries.recommended(animeId(7), 2))).to.deep.equal([1, 4]);
  });

  it('RS-10 recommends by score where the given title has no genres', async () => {
    const { queries } = await versionWith(open(), {
      animes: [
        withGenres(1, [], 10),
        withGenres(2, ['Drama'], null),
        withGenres(3, [], 7),
        withGenres(4, ['Drama'], 8),
        { ...withGenres(5, [], 9), status: 'delisted' },
      ],
    });
    expect(idsOf(await queries.recommended(animeId(1), 10))).to.deep.equal([4, 3, 2]);
  });

  it('RS-11 lists every genre of a listed anime once, sorted, as titles are added and removed', async () => {
    const { documents, queries } = await versionWith(open(), {
      animes: [withGenres(1, ['Sci-Fi', 'Action']), withGenres(2, ['Action', 'action'])],
    });
    expect(await queries.genres()).to.deep.equal(['Action', 'Sci-Fi']);
    await documents.save(
      aBatch({
        animes: [
          { ...withGenres(1, ['Drama']), revision: 1 },
          { ...withGenres(2, ['Action', 'action']), revision: 1, status: 'delisted' },
        ],
      }),
    );
    expect(await queries.genres()).to.deep.equal(['Drama']);
    await documents.save(aBatch({ animes: [{ ...withGenres(2, ['Action']), revision: 2 }] }));
    expect(await queries.genres()).to.deep.equal(['Action', 'Drama']);
  });

  it('RS-11 lists a genre of several spellings once, in the first by code points', async () => {
    const { documents, queries } = await versionWith(open(), {
      animes: [
        withGenres(1, ['shonen', 'École']),
        withGenres(2, ['Shōnen', 'action', 'Action']),
        withGenres(3, ['Shonen', 'Fantasy']),
      ],
    });
    expect(await queries.genres()).to.deep.equal(['Action', 'École', 'Fantasy', 'Shonen']);
    await documents.save(aBatch({ animes: [{ ...withGenres(3, ['ACTION']), revision: 1 }] }));
    expect(await queries.genres()).to.deep.equal(['ACTION', 'École', 'Shōnen']);
    const found = await queries.search({
      sortBy: 'title',
      offset: 0,
      limit: 9,
      genres: ['SHŌNEN'],
    });
    expect(found.items.map((one) => one.details.genres)).to.deep.equal([
      ['shonen', 'École'],
      ['Shōnen', 'action', 'Action'],
    ]);
  });

  it("RS-12 lists a user's interactions by anime id, after a given one, and says if there are more", async () => {
    const interactions = [1, 3, 20, 100].map((id) => anInteraction({ animeId: animeId(id) }));
    const { queries } = await versionWith(open(), {
      interactions: [
        ...interactions.toReversed(),
        anInteraction({ animeId: animeId(2), userId: userId('SPIKE') }),
        anInteraction({ animeId: animeId(4), generation: 1, revision: -1, clicks: 0 }),
      ],
    });
    const ask = (first: number, after: number | null) =>
      queries.interactionsOf(userId('spike'), first, after === null ? null : animeId(after));
    expect(await ask(4, null)).to.deep.equal({ items: interactions, hasMore: false });
    expect(await ask(2, 1)).to.deep.equal({ items: interactions.slice(1, 3), hasMore: true });
    expect(await ask(2, 20)).to.deep.equal({ items: interactions.slice(3), hasMore: false });
    expect(await ask(2, 100)).to.deep.equal({ items: [], hasMore: false });
  });

  const DAYS: readonly DailyActivityDocument[] = [
    aDay({ day: '2026-11-20', clicks: 7 }),
    aDay({ day: '2026-11-21', clicks: 1, views: 2, ratings: 3, seconds: 40 }),
    aDay({ day: '2026-11-24', clicks: 0, views: 1 }),
    aDay({ day: '2026-11-25', generation: 1, revision: -1, clicks: 0 }),
    aDay({ day: '2026-12-01', clicks: 5 }),
    aDay({ day: '2026-11-21', animeId: animeId(10), clicks: 100, seconds: 2 }),
    aDay({ day: '2026-11-23', animeId: animeId(11), ratings: 1 }),
  ];
  const RANGE = { from: '2026-11-21', to: '2026-11-30' };
  const NONE = { clicks: 0, views: 0, ratings: 0, seconds: 0 };

  it('RS-22 returns the days of one anime in a range, both ends included, without idle days', async () => {
    const { queries } = await versionWith(open(), { days: DAYS });
    const busy = { day: '2026-11-21', clicks: 1, views: 2, ratings: 3, seconds: 40 };
    const viewed = { ...NONE, day: '2026-11-24', views: 1 };
    expect(await queries.activityOf(animeId(1), RANGE)).to.deep.equal([busy, viewed]);
    const one = { from: '2026-11-21', to: '2026-11-21' };
    expect(await queries.activityOf(animeId(1), one)).to.deep.equal([busy]);
    expect(await queries.activityOf(animeId(2), RANGE)).to.deep.equal([]);
  });

  it('RS-22 adds up all anime per day, delisted ones too, as documents are saved', async () => {
    const { documents, queries } = await versionWith(open(), {
      animes: [anime(10, { status: 'delisted' })],
      days: DAYS,
    });
    const first = { day: '2026-11-21', clicks: 101, views: 2, ratings: 3, seconds: 42 };
    const rest = [
      { ...NONE, day: '2026-11-23', clicks: 1, ratings: 1 },
      { ...NONE, day: '2026-11-24', views: 1 },
    ];
    expect(await queries.activity(RANGE)).to.deep.equal([first, ...rest]);
    await documents.save(
      aBatch({
        days: [
          aDay({ day: '2026-11-21', revision: 2, clicks: 2 }),
          aDay({ day: '2026-11-30', animeId: animeId(12), clicks: 4 }),
        ],
      }),
    );
    expect(await queries.activity(RANGE)).to.deep.equal([
      { ...NONE, day: '2026-11-21', clicks: 102, seconds: 2 },
      ...rest,
      { ...NONE, day: '2026-11-30', clicks: 4 },
    ]);
    expect(await queries.activity({ from: '2026-11-25', to: '2026-11-29' })).to.deep.equal([]);
  });

  it('RS-24 adds up the activity of all days, of delisted anime too, as documents are saved', async () => {
    const { documents, queries } = await versionWith(open(), {
      animes: [anime(1, {}), anime(11, {}), anime(10, { status: 'delisted' })],
      days: DAYS,
    });
    const before = { listed: 2, clicks: 114, views: 3, seconds: 42, ratings: 4 };
    expect(await queries.totals()).to.deep.equal(before);
    await documents.save(
      aBatch({
        animes: [anime(12, {})],
        days: [aDay({ day: '2026-11-21', animeId: animeId(12), clicks: 1, ratings: 2 })],
      }),
    );
    expect(await queries.totals()).to.deep.equal({
      ...before,
      listed: 3,
      clicks: 115,
      ratings: 6,
    });
  });

  it('RS-24 is zero in a version without documents', async () => {
    const { queries } = await versionWith(open(), {});
    const nothing = { listed: 0, clicks: 0, views: 0, seconds: 0, ratings: 0 };
    expect(await queries.totals()).to.deep.equal(nothing);
  });
};
