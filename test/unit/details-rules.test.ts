import { inspect } from 'node:util';
import { expect } from 'chai';
import fc from 'fast-check';
import {
  areDetails,
  areSameDetails,
  completeDetails,
  type DetailField,
  DETAILS,
  detailsProblems,
  EXAMPLE_DETAILS,
  storedDetails,
} from '../../src/domain/details.js';
import { COWBOY_BEBOP } from '../support/examples.js';

const longest = (field: DetailField): unknown => {
  switch (field.kind) {
    case 'text':
      return 'x'.repeat(field.maxLength);
    case 'number':
      return field.maximum;
    case 'texts':
      return Array.from({ length: field.maxItems }, () => 'x'.repeat(field.item.maxLength));
  }
};

describe('detailsProblems', () => {
  it('finds nothing wrong with known details', () => {
    expect(detailsProblems(COWBOY_BEBOP)).to.deep.equal([]);
  });

  it('accepts a title alone', () => {
    expect(detailsProblems({ title: 'Akira' })).to.deep.equal([]);
  });

  it('takes null for whatever may be unknown', () => {
    const optional = Object.entries(DETAILS).filter(
      ([name, { kind }]) => name !== 'title' && kind !== 'texts',
    );
    const unknown = Object.fromEntries(optional.map(([name]) => [name, null]));
    expect(detailsProblems({ title: 'Akira', ...unknown })).to.deep.equal([]);
  });

  it('takes the longest texts and the highest numbers', () => {
    const details = Object.fromEntries(
      Object.entries(DETAILS).map(([name, field]) => [name, longest(field)]),
    );
    expect(detailsProblems(details)).to.deep.equal([]);
  });

  it('takes zero for a number', () => {
    const zero = { title: 'Akira', episodes: 0, score: 0, popularity: 0, members: 0 };
    expect(detailsProblems(zero)).to.deep.equal([]);
  });

  it('accepts line breaks and tabs in a description', () => {
    expect(detailsProblems({ title: 'Akira', description: 'Neo\r\n\tTokyo' })).to.deep.equal([]);
  });

  const whole = (max: string) => `must be a whole number from 0 to ${max}`;
  for (const [field, value, reason] of [
    ['title', undefined, 'must be a string'],
    ['title', null, 'must be a string'],
    ['title', 7, 'must be a string'],
    ['title', { $ne: '' }, 'must be a string'],
    ['title', ' \u3000 ', 'must not be blank'],
    ['title', 'x'.repeat(501), 'must have at most 500 characters'],
    ['title', 'a\nb', 'must not have control characters'],
    ['title', 'a\u0085b', 'must not have control characters'],
    ['title', 'a\ud83d', 'must be well-formed Unicode'],
    ['description', 'x'.repeat(5_001), 'must have at most 5,000 characters'],
    ['description', 'a\0b', 'must not have control characters'],
    ['description', 'a\u001bb', 'must not have control characters'],
    ['image', '', 'must not be blank'],
    ['type', ['TV'], 'must be a string'],
    ['episodes', 1.5, whole('1,000,000')],
    ['episodes', '26', whole('1,000,000')],
    ['episodes', -0, whole('1,000,000')],
    ['episodes', -1, whole('1,000,000')],
    ['score', -0.01, 'must be a number from 0 to 10'],
    ['score', 10.01, 'must be a number from 0 to 10'],
    ['score', Number.NaN, 'must be a number from 0 to 10'],
    ['popularity', 2 ** 31, whole('2,147,483,647')],
    ['members', 2 ** 53, whole('9,007,199,254,740,991')],
    ['genres', null, 'must be a list of strings'],
    ['genres', 'Action', 'must be a list of strings'],
    ['genres', Array.from({ length: 101 }, () => 'Action'), 'must have at most 100 entries'],
  ] as const) {
    it(`says that ${field} ${reason}: ${inspect(value).slice(0, 30)}`, () => {
      const problems = detailsProblems({ title: 'Akira', [field]: value });
      expect(problems).to.deep.equal([{ field, reason }]);
    });
  }

  it('says which genres are wrong', () => {
    expect(
      detailsProblems({ title: 'Akira', genres: ['Action', '', 3, 'Sci-Fi, Space'] }),
    ).to.deep.equal([
      { field: 'genres', index: 1, reason: 'must not be blank' },
      { field: 'genres', index: 2, reason: 'must be a string' },
      { field: 'genres', index: 3, reason: 'must not have a comma' },
    ]);
  });

  it('accepts any input and never throws', () => {
    expect(areDetails(COWBOY_BEBOP)).to.be.true;
    const anything = fc.dictionary(fc.constantFrom(...Object.keys(COWBOY_BEBOP)), fc.anything());
    fc.assert(
      fc.property(anything, (given) => {
        expect(areDetails(given)).to.equal(detailsProblems(given).length === 0);
      }),
    );
  });
});

describe('completeDetails', () => {
  it('makes null or an empty list of what is absent, and drops what is no detail', () => {
    const given = { title: 'Akira', nonsense: 1 };
    const complete = completeDetails(given);
    expect(Object.keys(complete)).to.deep.equal(Object.keys(DETAILS));
    const { title, genres, ...others } = complete;
    expect({ title, genres }).to.deep.equal({ title: 'Akira', genres: [] });
    expect(new Set(Object.values(others))).to.deep.equal(new Set([null]));
  });
});

describe('areSameDetails', () => {
  it('knows no details that are the same as none', () => {
    expect(areSameDetails(COWBOY_BEBOP, null)).to.be.false;
    expect(areSameDetails(COWBOY_BEBOP, { ...COWBOY_BEBOP })).to.be.true;
  });
});

describe('storedDetails', () => {
  it('reads fields that are younger than the event as unknown', () => {
    expect(storedDetails({ title: 'Akira', genres: ['Action'] })).to.deep.equal(
      completeDetails({ title: 'Akira', genres: ['Action'] }),
    );
  });

  it('reads complete details as they are', () => {
    expect(storedDetails(EXAMPLE_DETAILS)).to.equal(EXAMPLE_DETAILS);
  });

  it('reads a value of another type as no details at all', () => {
    for (const name of Object.keys(DETAILS)) {
      for (const value of [true, {}, [1], ['Action', 1], Number.NaN]) {
        expect(storedDetails({ ...EXAMPLE_DETAILS, [name]: value }), name).to.equal(undefined);
      }
    }
    const noGenres = { title: 'Akira', genres: null };
    for (const lacking of [undefined, null, 'Akira', {}, { title: null }, noGenres]) {
      expect(storedDetails(lacking)).to.equal(undefined);
    }
  });
});
