import type { LimitName } from '../../src/query-side/limits/guards.js';

/** Documents that are small to send and large to parse, check or answer, and what refuses them. */

interface Bomb {
  readonly name: string;
  readonly query: string;
  readonly limit: LimitName;
}

const times = (count: number, part: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => part(index)).join(' ');

export const BOMBS: readonly Bomb[] = [
  {
    name: 'a query that is too long',
    query: `{ genres } # ${'x'.repeat(17_000)}`,
    limit: 'characters',
  },
  { name: 'one field again and again', query: `{ ${'genres '.repeat(1000)} }`, limit: 'tokens' },
  {
    name: 'directives without end',
    query: `{ genres ${'@skip(if: false) '.repeat(400)} }`,
    limit: 'tokens',
  },
  {
    name: 'a list in a list in a list',
    query: `{ searchAnimes(filters: { genres: ${'['.repeat(6000)} }) { total } }`,
    limit: 'tokens',
  },
  {
    name: 'a deep query',
    query: `{ searchAnimes ${'{ items '.repeat(60)} { title } ${'}'.repeat(60)} }`,
    limit: 'depth',
  },
  {
    name: 'a query that is deep by its fragments',
    query: `{ ...F0 } ${times(30, (i) => `fragment F${i} on Query { f { ...F${i + 1} } }`)}
      fragment F30 on Query { f }`,
    limit: 'depth',
  },
  {
    name: 'one field under many aliases',
    query: `{ ${times(120, (i) => `a${i}: genres`)} }`,
    limit: 'aliases',
  },
  {
    name: 'aliases that fragments multiply',
    query: `{ anime(animeId: 1) { ...F0 } }
      ${times(30, (i) => `fragment F${i} on Anime { a${i}: title ...F${i + 1} ...F${i + 1} }`)}
      fragment F30 on Anime { title }`,
    limit: 'aliases',
  },
  {
    name: 'introspection multiplied by aliases',
    query: `{ __schema { types { ${times(9, (i) => `a${i}: fields { type { b${i}: fields { name } } }`)} } } }`,
    limit: 'aliases',
  },
  {
    name: 'introspection again and again',
    query: `{ ${times(12, (i) => `a${i}: __type(name: "Query") { fields { name } }`)} }`,
    limit: 'cost',
  },
  {
    name: 'large pages side by side',
    query: `query($n: Int) { ${times(12, (i) => `a${i}: searchAnimes(pageSize: $n) { items { title genres type image score episodes } }`)} }`,
    limit: 'cost',
  },
  {
    name: 'fragments that double each other',
    query: `{ ...F0 } ${times(40, (i) => `fragment F${i} on Query { genres ...F${i + 1} ...F${i + 1} }`)}
      fragment F40 on Query { genres }`,
    limit: 'cost',
  },
  {
    name: 'a fragment that spreads itself',
    query: '{ ...A } fragment A on Query { genres ...A }',
    limit: 'fragments',
  },
  {
    name: 'a circle of fragments',
    query: `{ ...F0 } ${times(40, (i) => `fragment F${i} on Query { ...F${(i + 1) % 40} }`)}`,
    limit: 'fragments',
  },
  {
    name: 'a circle of fragments that nothing spreads',
    query: '{ genres } fragment A on Query { ...B } fragment B on Query { ...A }',
    limit: 'fragments',
  },
];
