import { inspect } from 'node:util';
import { expect } from 'chai';
import { animeIdOf, isAnimeId, MAX_ANIME_ID, streamOf } from '../../src/domain/ids.js';
import { animeId } from '../support/examples.js';

describe('the stream of an anime', () => {
  for (const id of [1, 9, 10, 5114, 2_147_483_647]) {
    it(`is named after its id, and the name says the id: ${id}`, () => {
      expect(isAnimeId(id)).to.be.true;
      expect(streamOf(animeId(id))).to.equal(`anime-${id}`);
      expect(animeIdOf(`anime-${id}`)).to.equal(id);
    });
  }

  for (const stream of [
    ...['', 'anime', 'anime-', 'anime-0', 'anime-01', 'anime--1', 'anime-1.5', 'anime-1e3'],
    ...['anime-1 ', 'anime-1x', 'anime-x', ' anime-1', '$$anime-1', 'my-anime-1', 'Anime-1'],
    ...['anime-2147483648', 'anime-9999999999', 'anime-00000000001', 'anime-10000000000'],
  ]) {
    it(`is not ${inspect(stream)}`, () => {
      expect(animeIdOf(stream)).to.equal(undefined);
    });
  }
});

describe('the id of an anime', () => {
  for (const value of [0, -1, 1.5, 2 ** 31, Number.NaN, Infinity, '1', null, undefined, [1]]) {
    it(`is not ${inspect(value)}`, () => {
      expect(isAnimeId(value)).to.be.false;
    });
  }

  it('fits into 32 bits', () => {
    expect(MAX_ANIME_ID).to.equal(2_147_483_647);
  });
});
