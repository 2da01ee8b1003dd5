import { expect } from 'chai';
import fc from 'fast-check';
import { guardedRegex } from '../../../src/adapters/embedded/grpc/guarded-regex.js';
import { RpcError } from '../../../src/adapters/embedded/grpc/rpc-error.js';

const PATTERNS = [
  '^[^$].*',
  '^(anime|manga)-',
  '^\\$',
  'a\\.b|c',
  '^anime-\\d+$',
  '^(a|b)+$',
  '(a*)\\1b',
  '^(?!\\$)',
  '^(?:a-)?(b|c){2,3}',
  '\\p{Lu}',
  '[)(*+?]',
];

describe("a client's regular expression", () => {
  it('matches what JavaScript matches, guarded or not, the first time and again', () => {
    const subject = fc.oneof(
      fc.string({
        unit: fc.constantFrom('a', 'b', 'c', '$', '.', '-', '1', '2', 'A', '(', '*'),
        maxLength: 20,
      }),
      fc.constantFrom('anime-1', 'manga-22', '$ce-anime', 'bb', 'É'),
    );
    for (const pattern of PATTERNS) {
      const guarded = guardedRegex(pattern);
      fc.assert(
        fc.property(subject, (text) => {
          const expected = new RegExp(pattern, 'u').test(text);
          expect(guarded.test(text)).to.equal(expected);
          expect(guarded.test(text)).to.equal(expected);
        }),
      );
    }
  });

  for (const pattern of [
    '^(a+)+$',
    '^(a|a)*$',
    '(a*)*b',
    '^(a?a?){30}a{30}b',
    '(.*)(.*)(.*)(.*)b',
  ]) {
    it(`is given up where ${pattern} would never be done`, () => {
      const guarded = guardedRegex(pattern);
      expect(() => guarded.test(`${'a'.repeat(1000)}!`)).to.throw(RpcError, 'takes too long');
    });
  }

  it('is given up where many matches are each just quick enough', () => {
    const guarded = guardedRegex('^(a+)+$');
    const matchAll = () => {
      for (let count = 0; count < 1000; count += 1) guarded.test(`${'a'.repeat(22)}${count}!`);
    };
    expect(matchAll).to.throw(RpcError, 'takes too long');
  });

  for (const [pattern, matching, other] of [
    ['^a\\-b$', 'a-b', 'ab'],
    ['^[\\-\\ \\#]$', '#', 'a'],
    ['^[a\\-c]$', '-', 'b'],
    ['^a\\ b\\#$', 'a b#', 'ab'],
    ['\\Aa', 'a', 'ba'],
    ['a\\z', 'ba', 'a\n'],
    ['a\\Z', 'a\n', 'a\n\n'],
    ['\\e', '\u001b', 'e'],
    ['^\\\\A$', '\\A', 'A'],
  ] as const) {
    it(`is read as .NET reads ${pattern}`, () => {
      const guarded = guardedRegex(pattern);
      expect([guarded.test(matching), guarded.test(other)]).to.deep.equal([true, false]);
    });
  }

  for (const pattern of ['([', '[\\A]', '(?>a)', '(?i)a', '\\_', '(?#comment)a']) {
    it(`is refused where JavaScript does not know ${pattern}`, () => {
      expect(() => guardedRegex(pattern)).to.throw(RpcError, 'is not understood');
    });
  }
});
