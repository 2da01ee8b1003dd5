import { expect } from 'chai';
import fc from 'fast-check';
import { linearRegex } from '../../../src/embedded-eventstore/grpc/read-request.js';
import { RpcError } from '../../../src/embedded-eventstore/grpc/rpc-error.js';

const subjects = fc.oneof(
  fc.string({
    unit: fc.constantFrom('a', 'b', 'c', '$', '.', '-', '1', '2', 'A', '(', '*', ' ', '#'),
    maxLength: 12,
  }),
  fc.constantFrom('anime-1', 'manga-22', '$ce-anime', 'bb', 'É'),
);

const atoms = fc.constantFrom(
  'a',
  'b',
  '1',
  '\\$',
  '\\.',
  '-',
  '.',
  '[ab]',
  '[^$]',
  '[a-c1]',
  '[\\s\\S]',
  '\\d',
  '\\D',
  '\\W',
  '[\\W_]',
  '\\s',
  '[\\d\\-]',
  '(a|b1)',
  '(?:(?:a*b)?)',
  '(?:|b)',
  '(?<=a)',
  '(?<!b)',
);
const quantifiers = fc.constantFrom('', '', '', '*', '+', '?', '*?', '{2}', '{0,2}', '{1,}');
const pieces = fc
  .tuple(atoms, quantifiers)
  .map(([atom, quantifier]) => (atom.startsWith('(?<') ? atom : atom + quantifier));
const sequence = fc.array(pieces, { maxLength: 4 }).map((parts) => parts.join(''));
const lookahead = fc
  .tuple(fc.constantFrom('(?=', '(?!'), sequence)
  .map(([open, inner]) => `${open}${inner})`);
const anchored = fc
  .tuple(fc.constantFrom('', 'a', '\\$', '[ab].'), fc.array(lookahead, { maxLength: 2 }), sequence)
  .map(([fixed, looks, rest]) => `^${fixed}${looks.join('')}${rest}`);
const shared = fc
  .array(fc.oneof(sequence, anchored), { minLength: 1, maxLength: 3 })
  .map((alternatives) => alternatives.join('|'));

/** JavaScript's `\d`, `\W` and `$` are ASCII's and the very end; the subjects here tell neither. */
const agree = (pattern: string, subject: string) => {
  fc.pre(!(subject.includes('É') && /\\W/.test(pattern)));
  expect(linearRegex(pattern).test(subject)).to.equal(new RegExp(pattern, 'u').test(subject));
};

describe("a client's regular expression", () => {
  it('matches what JavaScript matches, where both have the same syntax', () => {
    fc.assert(fc.property(shared, subjects, agree), { numRuns: 1000 });
  });

  it('ignores case as JavaScript does', () => {
    const ignoring = (pattern: string, subject: string) => {
      fc.pre(!(subject.includes('É') && /\\W/.test(pattern)));
      const expected = new RegExp(pattern, 'iu').test(subject);
      expect(linearRegex(`(?i)${pattern}`).test(subject)).to.equal(expected);
    };
    fc.assert(fc.property(shared, subjects, ignoring));
  });

  for (const [pattern, matching, other] of [
    ['^a\\-b$', 'a-b', 'ab'],
    ['^[\\-\\ \\#]$', '#', 'a'],
    ['^[a\\-c]$', '-', 'b'],
    ['^a\\ b\\#$', 'a b#', 'ab'],
    ['\\Aa', 'a', 'ba'],
    ['a\\z', 'ba', 'a\n'],
    ['a\\Z', 'a\n', 'a\n\n'],
    ['a$', 'a\n', 'a\n\n'],
    ['\\e', '\u001b', 'e'],
    ['^\\\\A$', '\\A', 'A'],
    ['^(?i)anime', 'ANIME', 'manga'],
    ['^(?i:a)b$', 'Ab', 'AB'],
    ['^(?i)a(?-i)b$', 'Ab', 'AB'],
    ['^((?i)a)b$', 'Ab', 'AB'],
    ['(?i)^x|y', 'Y', 'ax'],
    ['^a.b$', 'a-b', 'a\nb'],
    ['(?s)^a.b$', 'a\nb', 'ab'],
    ['(?m)^b$', 'a\nb\nc', 'ab'],
    ['(?x) ^ a \\  b # the end\n $', 'a b', 'ab'],
    ['(?x)^[a b]$', ' ', 'c'],
    ['^a(?x: b )c d', 'abc d', 'abcd'],
    ['(?n)^(a)$', 'a', 'b'],
    ['^a(?#comment|)b', 'ab', 'a'],
    ['^(?<first>a)(?<first>b)', 'ab', 'aab'],
    ["^(?'first'a)b", 'ab', 'aab'],
    ['^\\w$', 'é', '-'],
    ['^\\d$', '٣', '³'],
    ['^\\s$', '\u2003', '\u200b'],
    ['^[\\W]$', '\u0378', '日'],
    ['^\\p{Lu}\\P{Lu}$', 'Éé', 'éÉ'],
    ['^\\x41\\u0042\\cA\\0$', 'AB\u0001\0', 'AB'],
    ['^\\uD83D\\uDE00$', '😀', '😁'],
    ['^[\\u0041-\\u0043]$', 'B', 'D'],
    ['^[]a]$', ']', 'b'],
    ['^[^]a]$', 'b', ']'],
    ['^a{x{2}$', 'a{xx', 'ax'],
    ['^(?!\\$)(?!audit-)', 'anime-1', '$ce-anime'],
    ['^(?!\\$|audit-).*', 'anime-1', 'audit-1'],
    ['^anime(?!-)', 'anime', 'anime-1'],
    ['^anime-(?=\\d+$).*1', 'anime-21', 'anime-1x'],
    ['^(?!a+)(?!b)c|^d', 'd', 'a'],
    ['(?<=^|-)1', 'a-1', 'a1'],
  ] as const) {
    it(`means what .NET means by ${JSON.stringify(pattern)}`, () => {
      const regex = linearRegex(pattern);
      expect([regex.test(matching), regex.test(other)]).to.deep.equal([true, false]);
    });
  }

  for (const [pattern, part] of [
    ['^anime-(?>a+)b', '`(?>` (atomic group) at character 8'],
    ['a(?=b)', '`(?=` (lookahead other than'],
    ['^a+(?!b)', '`(?!` (lookahead other than'],
    ['^((?!b))', '`(?!` (lookahead other than'],
    ['(?m)^(?!b)', '`(?!` (lookahead other than'],
    ['(a)\\1', '`\\1` (back reference) at character 4'],
    ['(?<n>a)\\k<n>', '`\\k` (back reference) at character 8'],
    ['(?<a-b>c)', '`(?<a-` (balancing group) at character 1'],
    ['(?(a)b|c)', '`(?(` (condition) at character 1'],
    ['(?@a)', '`(?@` (kind of group) at character 1'],
    ['[\\w-[a]]', '`-[` (class subtraction) at character 4'],
    ['[a-\\d]', '`-` (range whose ends are not characters) at character 3'],
    ['\\p{IsGreek}', '`\\p{IsGreek}` (Unicode block or unknown category) at character 1'],
    ['\\p{Greek}', '`\\p{Greek}` (Unicode block or unknown'],
    ['a\\_', '`\\_` (escape) at character 2'],
    ['a\\G', '`\\G` (escape) at character 2'],
    ['[\\A]', '`\\A` (escape) at character 2'],
    ['\\uD83D', '`\\u` (escape) at character 1'],
    ['😀a++', '`+` (nothing to repeat) at character 4'],
    ['*', '`*` (nothing to repeat) at character 1'],
    ['(', '`(` (unclosed group) at character 1'],
    ['(?#', '`(?#` (unclosed comment) at character 1'],
    ['a)', '`)` (no group to close) at character 2'],
    ['[a', '`[` (unclosed class) at character 1'],
    ['a\\', '`\\` (a backslash at the end) at character 2'],
  ] as const) {
    it(`is refused with the unsupported part of ${pattern}`, () => {
      expect(() => linearRegex(pattern)).to.throw(RpcError, part);
    });
  }

  for (const pattern of ['[b-a]', 'a{2000}', '(?:a{1000}){1000}', 'a{2,1}']) {
    it(`is refused where RE2 does not understand ${pattern}`, () => {
      expect(() => linearRegex(pattern)).to.throw(RpcError, 'is not valid');
    });
  }

  it('is refused where it repeats too much', () => {
    expect(() => linearRegex('(?:abcdefgh){200}')).to.throw(RpcError, 'repeats too much');
  });

  for (const pattern of [
    '^(a+)+$',
    '^(a|a)*$',
    '(a*)*b',
    '^(a?a?){30}a{30}b',
    '(.*)(.*)(.*)(.*)b',
    '^(?!(a+)+$)b',
    '(?<=(?:a+)+)b',
  ]) {
    // Backtracking would take longer than the universe lasts; a bound of seconds is never near.
    it(`is fast where ${pattern} makes backtracking catastrophic`, () => {
      const regex = linearRegex(pattern);
      const started = performance.now();
      expect(regex.test(`${'a'.repeat(8000)}!`)).to.equal(false);
      expect(performance.now() - started).to.be.lessThan(2000);
    });
  }
});
