import { expect } from 'chai';
import fc from 'fast-check';
import { containing, searchFilter } from '../../../src/adapters/mongodb/stored-documents.js';

const page = { sortBy: 'title', offset: 0, limit: 10 } as const;

describe('a search in MongoDB', () => {
  it('is a pattern that means its text and nothing else', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (text, other) => {
        const pattern = new RegExp(
          containing(text).pattern.replaceAll(/\\x\{(\w+)\}/g, '\\u{$1}'),
          'u',
        );
        expect(pattern.test(`${other}${text}${other}`)).to.equal(true);
        expect(pattern.test(other)).to.equal(other.includes(text));
      }),
    );
  });

  it('has no special character in its pattern', () => {
    expect(containing('a.b*(c)\0$').pattern).to.equal(
      'a\\x{2e}b\\x{2a}\\x{28}c\\x{29}\\x{0}\\x{24}',
    );
  });

  it('filters only by the given criteria, and never returns delisted anime', () => {
    expect(searchFilter(page)).to.deep.equal({ 'd.listed': true });
    expect(searchFilter({ ...page, genres: [] })).to.deep.equal({ 'd.listed': true });
    expect(
      searchFilter({ ...page, type: 'TV', genres: ['$in', 'Comédie'], minScore: 0 }),
    ).to.deep.equal({
      'd.listed': true,
      'd.typeKey': { $eq: 'tv' },
      'd.genreKeys': { $in: ['$in', 'comedie'] },
      'd.details.score': { $gte: 0 },
    });
  });
});
