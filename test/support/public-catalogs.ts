import type { AnimeDetails } from '../../src/domain/details.js';

/** What a title is in truth; each form writes as much of it as it has columns for. */
export interface CatalogTitle {
  readonly id: number;
  readonly details: Pick<AnimeDetails, 'title'> & Partial<AnimeDetails>;
}

type Cell = (title: CatalogTitle) => string;

export interface PublicCatalog {
  readonly name: string;
  readonly columns: readonly (readonly [name: string, cell: Cell])[];
  /** The details that the form has a column for. */
  readonly holds: readonly (keyof AnimeDetails)[];
}

const GENRES = ['Action', 'Comedy', 'Drama', 'Sci-Fi', 'Slice of Life', "Kids' Fun"];
const TYPES = ['TV', 'Movie', 'OVA', 'Special', 'ONA', 'Music'];
const AGE_RATINGS = ['PG-13 - Teens 13 or older', 'R - 17+ (violence & profanity)', 'G - All Ages'];

const at = <Item>(items: readonly Item[], index: number): Item => {
  const item = items[index % items.length];
  if (item === undefined) throw new Error('nothing to choose from');
  return item;
};

/** Title number `id` of a made-up catalogue: every seventh detail is unknown. */
export const titleOf = (id: number): CatalogTitle => {
  const known = <Value>(salt: number, value: Value): Value | undefined =>
    (id + salt) % 7 === 0 ? undefined : value;
  const genres = GENRES.filter((_, index) => (id >> index) % 2 === 1);
  const details = {
    description: known(1, `The story of "${id}",\nand what became of it; told in ${id % 9} parts.`),
    image: known(2, `https://example.org/images/${id}.jpg`),
    type: known(3, at(TYPES, id)),
    episodes: known(4, (id % 1500) + 1),
    genres: genres.length === 0 ? undefined : genres,
    score: known(5, ((id * 37) % 900) / 100 + 1),
    popularity: known(6, id),
    members: known(0, (id * 7919) % 3_000_000),
  };
  const entries = Object.entries(details).filter(([, value]) => value !== undefined);
  return { id, details: { title: `Title No. ${id}, "Pokémon"`, ...Object.fromEntries(entries) } };
};

const of =
  (detail: keyof AnimeDetails, unknown: string, write: (value: unknown) => string = String): Cell =>
  ({ details }) =>
    details[detail] === undefined ? unknown : write(details[detail]);

const id: Cell = (title) => String(title.id);
const ageRating: Cell = (title) => at(AGE_RATINGS, title.id);
const always =
  (text: string): Cell =>
  () =>
    text;
const commas = (value: unknown): string => (value as readonly string[]).join(', ');
const thousands = (value: unknown): string => (value as number).toLocaleString('en');
const float = (value: unknown): string => (value as number).toFixed(1);

/** As Python writes a list of strings. */
const listLiteral = (value: unknown): string => {
  const entries = (value as readonly string[]).map((text) =>
    text.includes("'") ? `"${text}"` : `'${text}'`,
  );
  return `[${entries.join(', ')}]`;
};

const others = (...names: readonly string[]) =>
  names.map((name) => [name, always(`some ${name}`)] as const);

/** 24 columns, some 25,000 rows; what is unknown is UNKNOWN. */
export const ANIME_DATASET_2023: PublicCatalog = {
  name: 'anime-dataset-2023.csv',
  columns: [
    ['anime_id', id],
    ['Name', of('title', '')],
    ...others('English name', 'Other name'),
    ['Score', of('score', 'UNKNOWN')],
    ['Genres', of('genres', 'UNKNOWN', commas)],
    ['Synopsis', of('description', 'No description available for this anime.')],
    ['Type', of('type', 'UNKNOWN')],
    ['Episodes', of('episodes', 'UNKNOWN', float)],
    ...others('Aired', 'Premiered', 'Status', 'Producers', 'Licensors', 'Studios', 'Source'),
    ['Duration', always('24 min per ep')],
    ['Rating', ageRating],
    ['Rank', (title) => float(title.id)],
    ['Popularity', of('popularity', '0')],
    ['Favorites', always('5')],
    ['Scored By', always('12.0')],
    ['Members', of('members', 'UNKNOWN')],
    ['Image URL', of('image', 'UNKNOWN')],
  ],
  holds: [
    ...(['title', 'score', 'genres', 'description', 'type', 'episodes'] as const),
    ...(['popularity', 'members', 'image'] as const),
  ],
};

/** 35 columns; what is unknown is Unknown. */
export const ANIME_2020: PublicCatalog = {
  name: 'anime-2020.csv',
  columns: [
    ['MAL_ID', id],
    ['Name', of('title', '')],
    ['Score', of('score', 'Unknown')],
    ['Genres', of('genres', 'Unknown', commas)],
    ...others('English name', 'Japanese name'),
    ['Type', of('type', 'Unknown')],
    ['Episodes', of('episodes', 'Unknown')],
    ...others('Aired', 'Premiered', 'Producers', 'Licensors', 'Studios', 'Source', 'Duration'),
    ['Rating', ageRating],
    ['Ranked', (title) => float(title.id)],
    ['Popularity', of('popularity', '0')],
    ['Members', of('members', 'Unknown')],
    ...['Favorites', 'Watching', 'Completed', 'On-Hold', 'Dropped', 'Plan to Watch'].map(
      (name) => [name, always('7')] as const,
    ),
    ...[10, 9, 8, 7, 6, 5, 4, 3, 2, 1].map(
      (stars) => [`Score-${stars}`, always(`${stars}00.0`)] as const,
    ),
  ],
  holds: ['title', 'score', 'genres', 'type', 'episodes', 'popularity', 'members'],
};

/** Genres as a list literal; what is unknown is empty. */
export const ANIMES_WITH_LISTS: PublicCatalog = {
  name: 'animes-with-lists.csv',
  columns: [
    ['uid', id],
    ['title', of('title', '')],
    ['synopsis', of('description', '')],
    ['genre', of('genres', '[]', listLiteral)],
    ['aired', always('Apr 3, 1998 to Apr 24, 1999')],
    ['episodes', of('episodes', '', float)],
    ['members', of('members', '')],
    ['popularity', of('popularity', '')],
    ['ranked', (title) => float(title.id)],
    ['score', of('score', '')],
    ['img_url', of('image', '')],
    ['link', (title) => `https://example.org/anime/${title.id}`],
  ],
  holds: [
    ...(['title', 'description', 'genres', 'episodes', 'members'] as const),
    ...(['popularity', 'score', 'image'] as const),
  ],
};

/** The smallest form, whose rating is the score. */
const ANIME_2016: PublicCatalog = {
  name: 'anime-2016.csv',
  columns: [
    ['anime_id', id],
    ['name', of('title', '')],
    ['genre', of('genres', '', commas)],
    ['type', of('type', '')],
    ['episodes', of('episodes', 'Unknown')],
    ['rating', of('score', '')],
    ['members', of('members', '')],
  ],
  holds: ['title', 'genres', 'type', 'episodes', 'score', 'members'],
};

/** The form of the sample catalogue, with all columns of its kind. */
const MYANIMELIST: PublicCatalog = {
  name: 'myanimelist.csv',
  columns: [
    ['myanimelist_id', id],
    ['title', of('title', '')],
    ['description', of('description', '')],
    ['image', of('image', '')],
    ['Type', of('type', '')],
    ['Episodes', of('episodes', '')],
    ...others('Status', 'Premiered', 'Released_Season', 'Released_Year', 'Source'),
    ['Genres', of('genres', '', commas)],
    ...others('Themes', 'Studios', 'Producers', 'Demographic', 'Duration'),
    ['Rating', ageRating],
    ['Score', of('score', '')],
    ['Ranked', (title) => thousands(title.id)],
    ['Popularity', of('popularity', '', thousands)],
    ['Members', of('members', '', thousands)],
    ...others('Favorites', 'characters', 'source_url'),
  ],
  holds: [
    ...(['title', 'description', 'image', 'type', 'episodes', 'genres'] as const),
    ...(['score', 'popularity', 'members'] as const),
  ],
};

export const PUBLIC_CATALOGS = [
  ...[ANIME_DATASET_2023, ANIME_2020, ANIMES_WITH_LISTS, ANIME_2016, MYANIMELIST],
] as const;

/** The details of a title that a form has a column for. */
export const heldBy = ({ holds }: PublicCatalog, { details }: CatalogTitle) =>
  Object.fromEntries(
    Object.entries(details).filter(([name]) => (holds as readonly string[]).includes(name)),
  );

export const csvLine = (cells: readonly string[], separator: string): string =>
  cells
    .map((cell) =>
      /["\r\n]/.test(cell) || cell.includes(separator) ? `"${cell.replaceAll('"', '""')}"` : cell,
    )
    .join(separator);

/** A file of the titles 1 to `count`, in pieces. */
export async function* publicCatalog({ columns }: PublicCatalog, count: number) {
  const line = (cells: readonly string[]) => `${csvLine(cells, ',')}\n`;
  yield Buffer.from(line(columns.map(([name]) => name)));
  for (let first = 1; first <= count; first += 100) {
    await Promise.resolve();
    const titles = Array.from({ length: Math.min(100, count + 1 - first) }, (_, index) =>
      titleOf(first + index),
    );
    yield Buffer.from(titles.map((title) => line(columns.map(([, cell]) => cell(title)))).join(''));
  }
}
