import { expect } from 'chai';
import type { AnimeDocument, DocumentBatch } from '../../src/ports/read-store.js';
import type { QueryApiOptions } from '../../src/query-side/graphql/query-api.js';
import { animeId, COWBOY_BEBOP } from '../support/examples.js';
import type { Answer } from '../support/query-api.js';
import { givenReadModels } from '../support/read-models.js';
import { aDay, anAnimeDocument } from '../support/read-store.js';

const anime = (id: number, given: Partial<AnimeDocument> = {}) =>
  anAnimeDocument({ animeId: animeId(id), ...given });

describe('queries for statistics', () => {
  const stops: (() => Promise<void>)[] = [];

  afterEach(async () => {
    for (const stop of stops.splice(0)) await stop();
  });

  const given = (documents: Partial<DocumentBatch>, options?: Partial<QueryApiOptions>) => ({
    when: async (query: string, variables?: object): Promise<Answer> => {
      const api = await givenReadModels(documents, options);
      stops.push(api.stop);
      return api.ask(query, variables);
    },
  });

  it('return title and image with all counters, and null for no image', async () => {
    const rated = { views: 3, ratingCount: 5, ratingSum: 4000 };
    const pictured = { ...COWBOY_BEBOP, title: 'Pictured', image: 'https://example.org/1.jpg' };
    const animes = [anime(1, { ...rated, views: 4, details: pictured }), anime(5, rated)];
    const answer = await given({ animes }).when(`{
      topAnimesByViews { ...shown } topAnimesByRating { ...shown }
      one: animeStats(animeId: 1) { ...shown } five: animeStats(animeId: 5) { ...shown }
    }
    fragment shown on AnimeStats { title image }`);
    const one = { title: 'Pictured', image: 'https://example.org/1.jpg' };
    const five = { title: 'Cowboy Bebop', image: null };
    const both = [one, five];
    expect(answer).to.deep.equal({
      data: { topAnimesByViews: both, topAnimesByRating: both, one, five },
    });
  });

  it('return the title of a delisted anime', async () => {
    const answer = await given({ animes: [anime(1, { status: 'delisted' })] }).when(
      '{ animeStats(animeId: 1) { title } }',
    );
    expect(answer).to.deep.equal({ data: { animeStats: { title: 'Cowboy Bebop' } } });
  });

  describe('topAnimesByViews', () => {
    const TOP = `query TopAnimesByViews($limit: Int!) {
      topAnimesByViews(limit: $limit) { animeId totalViews }
    }`;

    it('returns the most viewed first, without unviewed ones', async () => {
      const animes = [
        anime(1, { views: 3 }),
        anime(5, { views: 7 }),
        anime(20, { clicks: 9 }),
        anime(21, { views: 7 }),
      ];
      expect(await given({ animes }).when(TOP, { limit: 10 })).to.deep.equal({
        data: {
          topAnimesByViews: [
            { animeId: 5, totalViews: 7 },
            { animeId: 21, totalViews: 7 },
            { animeId: 1, totalViews: 3 },
          ],
        },
      });
    });

    it('returns no more than the limit, ten by default', async () => {
      const animes = Array.from({ length: 12 }, (_, i) => anime(i + 1, { views: 100 - i }));
      const answer = await given({ animes }).when(
        '{ two: topAnimesByViews(limit: 2) { animeId } ten: topAnimesByViews { animeId } }',
      );
      expect(answer).to.deep.equal({
        data: {
          two: [{ animeId: 1 }, { animeId: 2 }],
          ten: Array.from({ length: 10 }, (_, i) => ({ animeId: i + 1 })),
        },
      });
    });

    it('treats a limit of null as not given', async () => {
      const answer = await given({ animes: [anime(1, { views: 1 })] }).when(
        'query($limit: Int) { topAnimesByViews(limit: $limit) { animeId } }',
        { limit: null },
      );
      expect(answer).to.deep.equal({ data: { topAnimesByViews: [{ animeId: 1 }] } });
    });

    it('leaves out a delisted anime', async () => {
      const animes = [anime(1, { views: 3 }), anime(5, { views: 7, status: 'delisted' })];
      expect(await given({ animes }).when(TOP, { limit: 10 })).to.deep.equal({
        data: { topAnimesByViews: [{ animeId: 1, totalViews: 3 }] },
      });
    });
  });

  describe('topAnimesByRating', () => {
    it('returns the best average first, then most ratings, with at least five ratings', async () => {
      const animes = [
        anime(1, { ratingCount: 5, ratingSum: 4250 }),
        anime(5, { ratingCount: 6, ratingSum: 5400 }),
        anime(20, { ratingCount: 12, ratingSum: 10_800 }),
        anime(21, { ratingCount: 4, ratingSum: 4000 }),
        anime(30, { ratingCount: 9, ratingSum: 9000, status: 'delisted' }),
      ];
      const answer = await given({ animes }).when(
        `query TopAnimesByRating($limit: Int!) {
          topAnimesByRating(limit: $limit) { animeId totalRatings averageRating }
        }`,
        { limit: 10 },
      );
      expect(answer).to.deep.equal({
        data: {
          topAnimesByRating: [
            { animeId: 20, totalRatings: 12, averageRating: 9 },
            { animeId: 5, totalRatings: 6, averageRating: 9 },
            { animeId: 1, totalRatings: 5, averageRating: 8.5 },
          ],
        },
      });
    });
  });

  describe('animeStats', () => {
    const STATS = `query AnimeStats($animeId: Int!) {
      animeStats(animeId: $animeId) {
        animeId totalClicks totalViews totalRatings averageRating totalDurationSeconds
      }
    }`;

    it('returns all counters of one anime', async () => {
      const animes = [
        anime(1, { clicks: 4, views: 2, seconds: 2880, ratingCount: 3, ratingSum: 2200 }),
      ];
      expect(await given({ animes }).when(STATS, { animeId: 1 })).to.deep.equal({
        data: {
          animeStats: {
            animeId: 1,
            totalClicks: 4,
            totalViews: 2,
            totalRatings: 3,
            averageRating: 22 / 3,
            totalDurationSeconds: 2880,
          },
        },
      });
    });

    it('has no average while there are no ratings', async () => {
      const answer = await given({ animes: [anime(1)] }).when(
        '{ animeStats(animeId: 1) { totalRatings averageRating } }',
      );
      expect(answer).to.deep.equal({
        data: { animeStats: { totalRatings: 0, averageRating: null } },
      });
    });

    it('returns totals beyond 32 bits, up to 2^53-1', async () => {
      const animes = [
        anime(1, {
          clicks: 2 ** 31,
          views: 5_000_000_000,
          seconds: Number.MAX_SAFE_INTEGER,
        }),
      ];
      const answer = await given({ animes }).when(
        '{ animeStats(animeId: 1) { totalClicks totalViews totalDurationSeconds } }',
      );
      expect(answer).to.deep.equal({
        data: {
          animeStats: {
            totalClicks: 2_147_483_648,
            totalViews: 5_000_000_000,
            totalDurationSeconds: 9_007_199_254_740_991,
          },
        },
      });
    });

    for (const id of [2, 0, -1, 2_147_483_647]) {
      it(`is null for the unknown anime ${id}`, async () => {
        expect(await given({ animes: [anime(1)] }).when(STATS, { animeId: id })).to.deep.equal({
          data: { animeStats: null },
        });
      });
    }

    it('still returns the counters of a delisted anime', async () => {
      const animes = [anime(1, { clicks: 4, status: 'delisted' })];
      const answer = await given({ animes }).when('{ animeStats(animeId: 1) { totalClicks } }');
      expect(answer).to.deep.equal({ data: { animeStats: { totalClicks: 4 } } });
    });
  });

  describe('ratingDistribution', () => {
    const DISTRIBUTION = `query($animeId: Int!) {
      ratingDistribution(animeId: $animeId) { animeId total average buckets { stars count } }
    }`;

    it('counts ratings by whole stars', async () => {
      const animes = [
        anime(1, {
          ratingCount: 4,
          ratingSum: 3350,
          ratingBuckets: [0, 0, 0, 0, 0, 0, 1, 2, 0, 1],
        }),
      ];
      expect(await given({ animes }).when(DISTRIBUTION, { animeId: 1 })).to.deep.equal({
        data: {
          ratingDistribution: {
            animeId: 1,
            total: 4,
            average: 8.375,
            buckets: [0, 0, 0, 0, 0, 0, 1, 2, 0, 1].map((count, index) => ({
              stars: index + 1,
              count,
            })),
          },
        },
      });
    });

    it('is null for an unknown anime', async () => {
      expect(await given({}).when(DISTRIBUTION, { animeId: 1 })).to.deep.equal({
        data: { ratingDistribution: null },
      });
    });
  });

  describe('trendingAnimes', () => {
    const TRENDING = `query Trending($limit: Int!, $days: Int) {
      trendingAnimes(limit: $limit, days: $days) { myanimelistId totalViews }
    }`;

    const day = (id: number, on: string, clicks: number) =>
      aDay({ animeId: animeId(id), day: on, clicks });

    it('returns most clicks, views and ratings first, then most views', async () => {
      const documents = {
        animes: [anime(1, { views: 1 }), anime(5, { views: 9 }), anime(20), anime(21)],
        days: [
          aDay({ animeId: animeId(1), clicks: 1, views: 1, ratings: 1 }),
          day(5, '2026-11-23', 3),
          day(20, '2026-11-24', 4),
        ],
      };
      expect(await given(documents).when(TRENDING, { limit: 10, days: 7 })).to.deep.equal({
        data: {
          trendingAnimes: [
            { myanimelistId: 20, totalViews: 0 },
            { myanimelistId: 5, totalViews: 9 },
            { myanimelistId: 1, totalViews: 1 },
          ],
        },
      });
    });

    it('leaves out a delisted anime', async () => {
      const documents = {
        animes: [anime(1, { status: 'delisted' })],
        days: [day(1, '2026-11-24', 5)],
      };
      expect(await given(documents).when(TRENDING, { limit: 10, days: 7 })).to.deep.equal({
        data: { trendingAnimes: [] },
      });
    });

    for (const now of ['2026-11-24T00:00:00.000Z', '2026-11-24T23:59:59.999Z']) {
      it(`begins at 00:00 UTC of today minus the days, at ${now}`, async () => {
        const documents = {
          animes: [anime(1), anime(5)],
          days: [day(1, '2026-11-17', 1), day(5, '2026-11-16', 9)],
        };
        const options = { now: () => new Date(now) };
        expect(await given(documents, options).when(TRENDING, { limit: 10 })).to.deep.equal({
          data: { trendingAnimes: [{ myanimelistId: 1, totalViews: 0 }] },
        });
      });
    }

    it('accepts one day and ten years', async () => {
      const documents = {
        animes: [anime(1), anime(5)],
        days: [day(1, '2026-11-23', 1), day(5, '2016-11-27', 1)],
      };
      const answer = await given(documents).when(
        `{ one: trendingAnimes(days: 1) { myanimelistId }
           many: trendingAnimes(days: 3650) { myanimelistId } }`,
      );
      expect(answer).to.deep.equal({
        data: {
          one: [{ myanimelistId: 1 }],
          many: [{ myanimelistId: 1 }, { myanimelistId: 5 }],
        },
      });
    });
  });
});
