import { expect } from 'chai';
import type { AnimeDetails } from '../../../src/domain/details.js';
import type { AnimeDocument, AnimeSearch, ReadStore } from '../../../src/ports/read-store.js';
import { animeId, COWBOY_BEBOP } from '../../support/examples.js';
import { aBatch, anAnimeDocument } from '../../support/read-store.js';
import { idsOf, versionWith } from './given.js';

const titled = (
  id: number,
  details: Partial<AnimeDetails>,
  given: Partial<AnimeDocument> = {},
): AnimeDocument =>
  anAnimeDocument({ ...given, animeId: animeId(id), details: { ...COWBOY_BEBOP, ...details } });

export const searchClauses = (open: () => ReadStore): void => {
  const searching = async (animes: readonly AnimeDocument[]) => {
    const { queries, documents } = await versionWith(open(), { animes });
    const search = (query: Partial<AnimeSearch>) =>
      queries.search({ sortBy: 'title', offset: 0, limit: 50, ...query });
    return {
      documents,
      find: async (query: Partial<AnimeSearch>) => idsOf((await search(query)).items),
      search,
    };
  };

  it('RS-8 finds a part of a title whatever its case, accents and width', async () => {
    const titles = ['Cowboy BEBOP', 'École du Ciel', 'ΟΔΟΣ', 'Straße', 'Ｆａｔｅ', 'e\u0301toile'];
    titles.push('Pokémon', 'ガンダム');
    const { find } = await searching(titles.map((title, n) => titled(n + 1, { title })));
    expect(await find({ search: 'wboy beb' })).to.deep.equal([1]);
    expect(await find({ search: 'éCOLE' })).to.deep.equal([2]);
    expect(await find({ search: 'οδος' })).to.deep.equal([3]);
    expect(await find({ search: 'ΔΟσ' })).to.deep.equal([3]);
    expect(await find({ search: 'fate' })).to.deep.equal([5]);
    expect(await find({ search: 'ÉTOILE' })).to.deep.equal([6]);
    expect(await find({ search: 'ecole' })).to.deep.equal([2]);
    expect(await find({ search: 'STRASSE' })).to.deep.equal([4]);
    expect(await find({ search: 'pokemon' })).to.deep.equal([7]);
    expect(await find({ search: 'POKE\u0301MON' })).to.deep.equal([7]);
    expect(await find({ search: 'ｐòkëmón' })).to.deep.equal([7]);
    expect(await find({ search: 'ｶﾞﾝﾀﾞﾑ' })).to.deep.equal([8]);
    expect(await find({ search: 'カンタム' })).to.deep.equal([]);
  });

  it('RS-6 RS-8 searches literally', async () => {
    const titles = [
      '100% Pascal',
      '100 Pascal',
      'a_b',
      'axb',
      'C:\\x',
      "O'B",
      '"q"',
      '[a-z]*',
      '.+',
    ];
    const { find } = await searching(titles.map((title, n) => titled(n + 1, { title })));
    for (const [n, title] of titles.entries()) {
      expect(await find({ search: title }), title).to.deep.equal([n + 1]);
    }
    expect(await find({ search: '%' })).to.deep.equal([1]);
    expect(await find({ search: '_' })).to.deep.equal([3]);
    expect(await find({ search: '\\' })).to.deep.equal([5]);
    expect(await find({ search: "'" })).to.deep.equal([6]);
    expect(await find({ search: '.' })).to.deep.equal([9]);
  });

  it('RS-8 matches type and genres like titles, and a minimum score', async () => {
    const { find } = await searching([
      titled(1, { title: 'a', type: 'TV', genres: ['Action', 'Drama'], score: 8 }),
      titled(2, { title: 'b', type: 'tv', genres: ['Sci-Fi'], score: 7.99 }),
      titled(3, { title: 'c', type: 'TV Special', genres: ['action'], score: 9 }),
      titled(4, { title: 'd', type: null, genres: [], score: null }),
    ]);
    expect(await find({ type: 'Tv' })).to.deep.equal([1, 2]);
    expect(await find({ genres: ['Sci-Fi', 'Drama', 'Unheard'] })).to.deep.equal([1, 2]);
    for (const genre of ['Action', 'action', 'ÁCTION']) {
      expect(await find({ genres: [genre] }), genre).to.deep.equal([1, 3]);
    }
    expect(await find({ genres: ['Act'] })).to.deep.equal([]);
    expect(await find({ type: 'TV Spécial' })).to.deep.equal([3]);
    expect(await find({ minScore: 8 })).to.deep.equal([1, 3]);
    expect(await find({ minScore: 0 })).to.deep.equal([1, 2, 3]);
    expect(await find({ type: 'TV', genres: ['Drama', 'Sci-Fi'], minScore: 8 })).to.deep.equal([1]);
    expect(await find({ genres: [] })).to.deep.equal([1, 2, 3, 4]);
  });

  it('RS-8 sorts by each order, unknown last, ties by id', async () => {
    const { find } = await searching([
      titled(5, { title: 'b', popularity: 2, score: null }, { views: 1 }),
      titled(4, { title: 'B', popularity: null, score: 7 }, { views: 0 }),
      titled(3, { title: 'É', popularity: 10, score: 9.5 }, { views: 30 }),
      titled(2, { title: 'a', popularity: 2, score: 7 }, { views: 4 }),
      titled(1, { title: 'Z', popularity: null, score: null }, { views: 4 }),
      titled(6, { title: '0', popularity: 1, score: 10 }, { views: 99, status: 'delisted' }),
    ]);
    expect(await find({ sortBy: 'popularity' })).to.deep.equal([2, 5, 3, 1, 4]);
    expect(await find({ sortBy: 'score' })).to.deep.equal([3, 2, 4, 1, 5]);
    expect(await find({ sortBy: 'title' })).to.deep.equal([2, 4, 5, 3, 1]);
    expect(await find({ sortBy: 'views' })).to.deep.equal([3, 1, 2, 5, 4]);
  });

  it('RS-8 pages through the matches and counts all of them', async () => {
    const { search } = await searching(
      Array.from({ length: 25 }, (_, n) =>
        titled(n + 1, { title: n < 23 ? 'match' : 'other', popularity: n }),
      ),
    );
    const page = async (offset: number) => {
      const { items, total } = await search({
        search: 'MATCH',
        sortBy: 'popularity',
        offset,
        limit: 10,
      });
      return { ids: idsOf(items), total };
    };
    const from = (first: number, count: number) =>
      Array.from({ length: count }, (_, n) => first + n);
    expect(await page(0)).to.deep.equal({ ids: from(1, 10), total: 23 });
    expect(await page(20)).to.deep.equal({ ids: from(21, 3), total: 23 });
    expect(await page(40)).to.deep.equal({ ids: [], total: 23 });
  });

  it('RS-8 finds a long list of genres in any spelling', async () => {
    const { find } = await searching([
      titled(1, { title: 'a', genres: ['Shōnen', 'Action'] }),
      titled(2, { title: 'b', genres: ['Comédie'] }),
    ]);
    const others = Array.from({ length: 20 }, (_, n) => `Unheard ${n}`);
    expect(await find({ genres: [...others, 'shonen', 'ACTION'] })).to.deep.equal([1]);
    expect(await find({ genres: [...others, 'comedie'] })).to.deep.equal([2]);
    expect(await find({ genres: others })).to.deep.equal([]);
  });

  it('RS-8 finds a title by its current name', async () => {
    const { documents, find } = await searching([titled(1, { title: 'Old', score: 1 })]);
    await documents.save(
      aBatch({ animes: [titled(1, { title: 'New', score: 9 }, { revision: 1 })] }),
    );
    expect(await find({ search: 'old' })).to.deep.equal([]);
    expect(await find({ search: 'new', minScore: 9 })).to.deep.equal([1]);
  });
};
