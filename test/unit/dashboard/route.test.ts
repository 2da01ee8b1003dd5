import { expect } from 'chai';
import { animeOf, routeOf, streamPath, withParameters } from '../../../src/dashboard/data/route.js';

describe('an address of the dashboard', () => {
  for (const [path, route] of [
    ['', { page: 'overview' }],
    ['overview', { page: 'overview' }],
    ['catalogue', { page: 'catalogue' }],
    ['anime/1', { page: 'title', animeId: 1 }],
    ['streams', { page: 'streams', stream: null }],
    ['streams/anime-1', { page: 'streams', stream: 'anime-1' }],
    ['streams/a%2Fb%20c', { page: 'streams', stream: 'a/b c' }],
    ['streams/%zz', { page: 'streams', stream: '%zz' }],
    ['pipeline', { page: 'pipeline' }],
    ['projections', { page: 'projections' }],
    ['api', { page: 'api' }],
    ['anime/0', { page: 'missing' }],
    ['anime/x', { page: 'missing' }],
    ['anime/1/2', { page: 'missing' }],
    ['pipeline/x', { page: 'missing' }],
    ['other', { page: 'missing' }],
  ] as const) {
    it(`"${path}" is the page ${route.page}`, () => {
      expect(routeOf(path)).to.deep.equal(route);
    });
  }

  it('of a stream leads back to the same stream, whatever its name', () => {
    for (const name of ['anime-1', '$ce-anime', 'a/b?c#d', 'ä %']) {
      expect(routeOf(streamPath(name))).to.deep.equal({ page: 'streams', stream: name });
    }
    expect(streamPath('anime-1', '41')).to.equal('streams/anime-1?revision=41');
  });

  it('of an anime is found for its own stream only', () => {
    expect(animeOf('anime-12')).to.equal(12);
    for (const name of ['anime-0', 'anime-1x', 'snapshot-anime-1', '$all']) {
      expect(animeOf(name), name).to.equal(null);
    }
  });

  it('keeps the parameters that are not changed', () => {
    expect(withParameters('?q=a&page=2', { page: null, type: 'TV' })).to.equal('?q=a&type=TV');
    expect(withParameters('?q=a', { q: '' })).to.equal('');
  });
});
