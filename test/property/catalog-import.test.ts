import { expect } from 'chai';
import fc from 'fast-check';
import type { AnimeDetails } from '../../src/domain/details.js';
import { readCatalog } from '../../src/import/catalog-csv.js';
import { csvLine } from '../support/public-catalogs.js';

type Detail = keyof AnimeDetails;
type Details = Pick<AnimeDetails, 'title'> & Partial<AnimeDetails>;

const words = fc
  .array(fc.stringMatching(/^[A-Za-zé'"&.!°ゆ-]{1,12}$/u), { minLength: 1, maxLength: 5 })
  .map((parts) => parts.join(' '));

const known = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: undefined });

const details = fc
  .record({
    title: fc.oneof(words, fc.constantFrom('Unknown', 'None', '?', '-', 'NaN', '86', '[C]', 'N/A')),
    description: known(words.map((text) => `The ${text},\n"${text}"; and more`)),
    image: known(fc.webUrl({ validSchemes: ['https'] })),
    type: known(fc.constantFrom('TV', 'Movie', 'OVA', 'TV Special')),
    episodes: known(fc.integer({ min: 1, max: 1_000_000 })),
    genres: known(
      fc.uniqueArray(
        words.map((text) => `The ${text}`),
        { minLength: 1, maxLength: 5 },
      ),
    ),
    score: known(fc.integer({ min: 1, max: 1000 }).map((hundredths) => hundredths / 100)),
    popularity: known(fc.integer({ min: 1, max: 2 ** 31 - 1 })),
    members: known(fc.maxSafeNat()),
  })
  .map(
    (all) =>
      Object.fromEntries(
        Object.entries(all).filter(([, value]) => value !== undefined),
      ) as unknown as Details,
  );

/** What the forms in use call each field. */
const NAMES = {
  id: ['myanimelist_id', 'anime_id', 'MAL_ID', 'mal_id', 'uid', 'id'],
  title: ['title', 'Name', 'anime_title'],
  description: ['description', 'Synopsis', 'sypnopsis'],
  image: ['image', 'Image URL', 'img_url', 'image_url'],
  type: ['type', 'Type', 'media_type'],
  episodes: ['episodes', 'Episodes', 'num_episodes'],
  genres: ['Genres', 'genre', 'GENRES'],
  score: ['Score', 'score', 'mean', 'rating'],
  popularity: ['Popularity', 'popularity'],
  members: ['Members', 'members', 'num_list_users'],
} as const;
const FIELDS = Object.keys(NAMES) as (keyof typeof NAMES)[];

const IGNORED = ['Other name', 'Aired', 'Ranked', 'Scored By', 'Unnamed: 0'] as const;

/** How a file is written. */
const style = fc.record({
  separator: fc.constantFrom(',', ';', '\t'),
  lineEnd: fc.constantFrom('\n', '\r\n', '\r'),
  byteOrderMark: fc.boolean(),
  names: fc.record(
    Object.fromEntries(FIELDS.map((field) => [field, fc.constantFrom(...NAMES[field])])),
  ),
  columns: fc.shuffledSubarray([...FIELDS.slice(2), ...IGNORED]),
  keysAt: fc.nat({ max: 14 }),
  unknown: fc.constantFrom('', 'UNKNOWN', 'Unknown', 'N/A', 'Not available', 'NaN', 'None', '-'),
  thousands: fc.constantFrom('', ',', '.', ' '),
  decimalZero: fc.boolean(),
  decimalComma: fc.boolean(),
  genres: fc.constantFrom(', ', ',', ';', '|', 'python', 'json', 'numpy'),
});
type Style = typeof style extends fc.Arbitrary<infer Value> ? Value : never;

const python = (text: string): string => {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  return quote + text.replaceAll('\\', '\\\\').replaceAll(quote, `\\${quote}`) + quote;
};

const writeGenres = (genres: readonly string[], how: Style['genres']): string => {
  switch (how) {
    case 'python':
      return `[${genres.map(python).join(', ')}]`;
    case 'numpy':
      return `[${genres.map(python).join(' ')}]`;
    case 'json':
      return JSON.stringify(genres);
    default:
      return genres.join(how);
  }
};

const writeWhole = (value: number, { thousands, decimalZero }: Style): string => {
  const digits = String(value).replaceAll(/(?<=\d)(?=(?:\d{3})+$)/g, thousands);
  return decimalZero ? `${digits}${thousands === '.' ? ',' : '.'}0` : digits;
};

const write = (detail: Detail, value: unknown, how: Style): string => {
  switch (detail) {
    case 'episodes':
    case 'popularity':
    case 'members':
      return writeWhole(value as number, how);
    case 'score':
      return how.decimalComma ? String(value).replace('.', ',') : String(value);
    case 'genres':
      return writeGenres(value as readonly string[], how.genres).replaceAll('&', '&amp;');
    default:
      return String(value).replaceAll('&', '&amp;');
  }
};

const fileOf = (titles: readonly Details[], how: Style, columns: readonly string[]): string => {
  const header = columns.map((column) => how.names[column] ?? column);
  const rows = titles.map((title, index) =>
    columns.map((column) => {
      if (column === 'id') return String(index + 1);
      if ((IGNORED as readonly string[]).includes(column)) return `7, or "${column}"`;
      const value = title[column as Detail];
      return value === undefined ? how.unknown : write(column as Detail, value, how);
    }),
  );
  const lines = [header, ...rows].map((cells) => csvLine(cells, how.separator) + how.lineEnd);
  return (how.byteOrderMark ? '\u{feff}' : '') + lines.join('');
};

const readAll = async (content: string, clear: boolean) => {
  const source = async function* () {
    await Promise.resolve();
    yield Buffer.from(content);
  };
  const rows = [];
  for await (const row of readCatalog(source(), { clear })) {
    rows.push(row.kind === 'title' ? row.details : row.reason);
  }
  return rows;
};

describe('any catalogue, however it is written', () => {
  it('is read as it was generated', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(details, { minLength: 1, maxLength: 8 }),
        style,
        fc.boolean(),
        async (titles, how, clear) => {
          const columns = [...how.columns];
          columns.splice(how.keysAt % (columns.length + 1), 0, 'id', 'title');
          const isUsed = (detail: keyof typeof NAMES) =>
            columns.includes(detail) &&
            // Of this name alone nobody can tell, unless there is a number.
            (how.names[detail] !== 'rating' || titles.some(({ score }) => score !== undefined));
          const meant = titles.map((title) =>
            Object.fromEntries(
              FIELDS.filter((field) => field !== 'id' && isUsed(field)).flatMap((field) => {
                const value = title[field as Detail];
                if (value !== undefined) return [[field, value]];
                return clear ? [[field, field === 'genres' ? [] : null]] : [];
              }),
            ),
          );
          expect(await readAll(fileOf(titles, how, columns), clear)).to.deep.equal(meant);
        },
      ),
    );
  });
});
