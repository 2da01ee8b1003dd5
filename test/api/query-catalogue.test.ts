import { expect } from 'chai';
import type { AnimeDetails } from '../../src/domain/details.js';
import type { AnimeDocument, DocumentBatch } from '../../src/ports/read-store.js';
import { animeId, COWBOY_BEBOP } from '../support/examples.js';
import type { Answer } from '../support/query-api.js';
import { givenReadModels } from '../support/read-models.js';
import { anAnimeDocument } from '../support/read-store.js';

const titled = (
  id: number,
  title: string,
  details: Partial<AnimeDetails> = {},
  given: Partial<AnimeDocument> = {},
) =>
  anAnimeDocument({
    animeId: animeId(id),
    details: { ...COWBOY_BEBOP, genres: [], score: null, popularity: null, title, ...details },
    ...given,
  });

const CATALOGUE = [
  titled(1, 'Cowboy Bebop', { genres: ['Action', 'Sci-Fi'], score: 8.75, popularity: 43 }),
  titled(5, 'Cowboy Bebop: The Movie', { type: 'Movie', genres: ['Action'], score: 8.38 }),
  titled(20, 'Naruto', { genres: ['Action', 'Adventure'], score: 8, popularity: 8 }, { views: 9 }),
  titled(21, 'one piece', { genres: ['Adventure'], popularity: 18 }, { views: 3 }),
  titled(30, 'Akira', { type: 'Movie', genres: ['Sci-Fi'], score: 8.16, popularity: 200 }),
  titled(99, 'Gone', { genres: ['Lost'], score: 9, popularity: 1 }, { status: 'delisted' }),
];

describe('queries for the catalogue', () => {
  const stops: (() => Promise<void>)[] = [];

  afterEach(async () => {
    for (const stop of stops.splice(0)) await stop();
  });

  const given = (documents: Partial<DocumentBatch>) => ({
    when: async (query: string, variables?: object): Promise<Answer> => {
      const api = await givenReadModels(documents);
      stops.push(api.stop);
      return api.ask(query, variables);
    },
  });

  let catalogue: Awaited<ReturnType<typeof givenReadModels>>;
  before(async () => (catalogue = await givenReadModels({ animes: CATALOGUE })));
  after(() => catalogue.stop());

  describe('anime', () => {
    const ANIME = `query Anime($animeId: Int!) {
      anime(animeId: $animeId) {
        myanimelistId title description image type episodes score popularity
      }
    }`;

    it('returns the catalogue details', async () => {
      const details = { ...COWBOY_BEBOP, description: 'See you, space cowboy…', image: '/1.jpg' };
      const animes = [anAnimeDocument({ details })];
      expect(await given({ animes }).when(ANIME, { animeId: 1 })).to.deep.equal({
        data: {
          anime: {
            myanimelistId: 1,
            title: 'Cowboy Bebop',
            description: 'See you, space cowboy…',
            image: '/1.jpg',
            type: 'TV',
            episodes: 26,
            score: 8.75,
            popularity: 43,
          },
        },
      });
    });

    it('is null when unknown', async () => {
      expect(await catalogue.ask(ANIME, { animeId: 2 })).to.deep.equal({ data: { anime: null } });
    });

    it('still returns a delisted anime', async () => {
      expect(await catalogue.ask('{ anime(animeId: 99) { title } }')).to.deep.equal({
        data: { anime: { title: 'Gone' } },
      });
    });
  });

  describe('searchAnimes', () => {
    const SEARCH = `query SearchAnimes($page: Int!, $pageSize: Int!, $filters: AnimeFilters) {
      searchAnimes(page: $page, pageSize: $pageSize, filters: $filters) {
        items { myanimelistId } total page pageSize hasMore
      }
    }`;

    const found = async (filters: object | null): Promise<unknown> => {
      const { data } = await catalogue.ask(SEARCH, { page: 1, pageSize: 20, filters });
      const { searchAnimes } = data as {
        searchAnimes: { items: readonly { myanimelistId: number }[]; total: number };
      };
      expect(searchAnimes.total).to.equal(searchAnimes.items.length);
      return searchAnimes.items.map(({ myanimelistId }) => myanimelistId);
    };

    it('returns every field of each title', async () => {
      const animes = [
        anAnimeDocument({ clicks: 4, views: 2, seconds: 9, ratingCount: 2, ratingSum: 1750 }),
        titled(2, 'Of Nothing Known', { type: null, episodes: null }),
      ];
      const answer = await given({ animes }).when(
        `{ searchAnimes { items {
          myanimelistId title description image type episodes score popularity genres
          totalClicks totalViews totalRatings averageRating
        } } }`,
      );
      expect(answer).to.deep.equal({
        data: {
          searchAnimes: {
            items: [
              {
                myanimelistId: 1,
                title: 'Cowboy Bebop',
                description: null,
                image: null,
                type: 'TV',
                episodes: 26,
                score: 8.75,
                popularity: 43,
                genres: 'Action, Sci-Fi',
                totalClicks: 4,
                totalViews: 2,
                totalRatings: 2,
                averageRating: 8.75,
              },
              {
                myanimelistId: 2,
                title: 'Of Nothing Known',
                description: null,
                image: null,
                type: null,
                episodes: null,
                score: null,
                popularity: null,
                genres: null,
                totalClicks: 0,
                totalViews: 0,
                totalRatings: 0,
                averageRating: null,
              },
            ],
          },
        },
      });
    });

    it('returns page by page', async () => {
      const query = `query($filters: AnimeFilters) {
        first: searchAnimes(page: 1, pageSize: 2, filters: $filters) { ...page }
        last: searchAnimes(page: 3, pageSize: 2, filters: $filters) { ...page }
        beyond: searchAnimes(page: 1000000, pageSize: 100, filters: $filters) { ...page }
      }
      fragment page on PaginatedAnimes { items { title } total page pageSize hasMore }`;
      expect(await catalogue.ask(query, { filters: { sortBy: 'title' } })).to.deep.equal({
        data: {
          first: {
            items: [{ title: 'Akira' }, { title: 'Cowboy Bebop' }],
            total: 5,
            page: 1,
            pageSize: 2,
            hasMore: true,
          },
          last: {
            items: [{ title: 'one piece' }],
            total: 5,
            page: 3,
            pageSize: 2,
            hasMore: false,
          },
          beyond: { items: [], total: 5, page: 1_000_000, pageSize: 100, hasMore: false },
        },
      });
    });

    it('orders by popularity by default, unknown last', async () => {
      for (const filters of [null, {}, { sortBy: null }, { sortBy: 'popularity' }]) {
        expect(await found(filters)).to.deep.equal([20, 21, 1, 30, 5]);
      }
    });

    it('orders by score, unknown last', async () => {
      expect(await found({ sortBy: 'score' })).to.deep.equal([1, 5, 30, 20, 21]);
    });

    it('orders by title in any case', async () => {
      expect(await found({ sortBy: 'title' })).to.deep.equal([30, 1, 5, 20, 21]);
    });

    it('orders by views', async () => {
      expect(await found({ sortBy: 'views' })).to.deep.equal([20, 21, 1, 5, 30]);
    });

    it('finds a literal part of a title in any case', async () => {
      expect(await found({ search: 'BEBOP' })).to.deep.equal([1, 5]);
      for (const search of ['%', '_', '.*', "' OR 1=1 --", 'Cowboy%']) {
        expect(await found({ search })).to.deep.equal([]);
      }
    });

    it('finds a title and a genre whatever its case and accents', async () => {
      expect(await found({ search: 'cöwbóy' })).to.deep.equal([1, 5]);
      expect(await found({ genres: ['ADVENTURE'] })).to.deep.equal([20, 21]);
    });

    it('finds a type, any of the genres, and a score of at least', async () => {
      expect(await found({ type: 'movie' })).to.deep.equal([30, 5]);
      expect(await found({ genres: ['Adventure', 'Sci-Fi'] })).to.deep.equal([20, 21, 1, 30]);
      expect(await found({ minScore: 8.38 })).to.deep.equal([1, 5]);
      expect(await found({ type: 'TV', genres: ['Action'], minScore: 8.1 })).to.deep.equal([1]);
    });

    it('treats empty filters as not given', async () => {
      const filters = { search: '', type: '', genres: [], minScore: null };
      expect(await found(filters)).to.deep.equal([20, 21, 1, 30, 5]);
    });
  });

  describe('recommendedAnimes', () => {
    const RECOMMENDED = `query Recommended($id: Int!, $limit: Int!) {
      recommendedAnimes(basedOnAnimeId: $id, limit: $limit) { myanimelistId genres }
    }`;

    it('returns other titles that share genres, best score first', async () => {
      expect(await catalogue.ask(RECOMMENDED, { id: 1, limit: 10 })).to.deep.equal({
        data: {
          recommendedAnimes: [
            { myanimelistId: 5, genres: 'Action' },
            { myanimelistId: 30, genres: 'Sci-Fi' },
            { myanimelistId: 20, genres: 'Action, Adventure' },
          ],
        },
      });
    });

    it('prefers titles that share more genres', async () => {
      const answer = await catalogue.ask('{ recommendedAnimes(basedOnAnimeId: 20) { title } }');
      expect(answer).to.deep.equal({
        data: {
          recommendedAnimes: [
            { title: 'Cowboy Bebop' },
            { title: 'Cowboy Bebop: The Movie' },
            { title: 'one piece' },
          ],
        },
      });
    });

    for (const id of [2, 0, -1]) {
      it(`returns the best scores for the unknown anime ${id}`, async () => {
        const answer = await catalogue.ask(RECOMMENDED.replace(' genres', ''), { id, limit: 2 });
        expect(answer).to.deep.equal({
          data: { recommendedAnimes: [{ myanimelistId: 1 }, { myanimelistId: 5 }] },
        });
      });
    }
  });

  describe('genres', () => {
    it('returns each genre of a listed anime once, sorted', async () => {
      expect(await catalogue.ask('{ genres }')).to.deep.equal({
        data: { genres: ['Action', 'Adventure', 'Sci-Fi'] },
      });
    });

    it('is empty for an empty catalogue', async () => {
      expect(await given({}).when('{ genres }')).to.deep.equal({ data: { genres: [] } });
    });
  });
});
