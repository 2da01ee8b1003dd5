import {
  areDetails,
  DETAIL_NAMES,
  type DetailField,
  type DetailName,
  DETAILS,
} from '../domain/details.js';
import { isAnimeId } from '../domain/ids.js';
import { excerpt, readDetail, wholeNumberIn } from './catalog-cells.js';

/** The file is not a catalogue. The message says what is missing. */
export class CatalogFormatError extends Error {
  constructor(message: string) {
    super(message);
    this.name = new.target.name;
  }
}

type ColumnField = 'id' | DetailName;

/** The column of each field. A detail without a column is absent. */
export interface CatalogColumns {
  readonly header: readonly string[];
  readonly id: number;
  readonly details: Readonly<Partial<Record<DetailName, number>>>;
  /** Why a column with the name of a detail is not used. */
  readonly reasons: ReadonlyMap<number, string>;
}

/**
 * Names of each field in public catalogues, the likelier first, as lower-case letters and digits.
 * Default: the field's own name. A column is used only if its cells fit the field.
 */
const COLUMN_NAMES: Readonly<Partial<Record<ColumnField, readonly string[]>>> = {
  id: ['myanimelistid', 'malid', 'idmal', 'animeid', 'uid', 'id'],
  title: ['title', 'name', 'animetitle', 'animename', 'titleromaji', 'romajititle'],
  description: ['description', 'synopsis', 'sypnopsis', 'summary'],
  image: ['image', 'imageurl', 'imgurl', 'img', 'picture', 'coverimage', 'poster', 'posterurl'],
  type: ['type', 'mediatype', 'animetype', 'format'],
  episodes: ['episodes', 'numepisodes', 'episodecount', 'totalepisodes', 'eps'],
  genres: ['genres', 'genre', 'genrenames'],
  score: ['score', 'mean', 'meanscore', 'averagescore', 'averagerating', 'rating'],
  popularity: ['popularity', 'popularityrank'],
  members: ['members', 'memberscount', 'numlistusers'],
};
const CATALOG_FIELDS: readonly ColumnField[] = ['id', ...DETAIL_NAMES];

/** The score in catalogues without a score column; in others an age rating. */
const AMBIGUOUS_NAME = 'rating';

/** Columns of files with ratings and reviews, whose rows may also have an id and a title. */
const NAMES_OF_USERS: ReadonlySet<string> = new Set(['userid', 'username', 'profile', 'reviewer']);

const normalised = (name: string): string => name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');

const columnNamesOf = (field: ColumnField): readonly string[] =>
  COLUMN_NAMES[field] ?? [normalised(field)];

const ALL_NAMES: ReadonlySet<string> = new Set(CATALOG_FIELDS.flatMap(columnNamesOf));

export const countKnownNames = (header: readonly string[]): number =>
  header.filter((name) => ALL_NAMES.has(normalised(name))).length;

/**
 * Recognises columns by their names and by the cells of a sample of rows. Throws CatalogFormatError
 * if there are no ids or no titles.
 */
export const recogniseColumns = (
  header: readonly string[],
  sample: readonly (readonly string[])[],
): CatalogColumns => {
  const names = header.map(normalised);
  const user = names.findIndex((name) => NAMES_OF_USERS.has(name));
  if (user !== -1) {
    const column = columnLabel(header[user] ?? '');
    throw new CatalogFormatError(
      `The rows are about users, not titles: one column is "${column}".`,
    );
  }
  const reasons = new Map<number, string>();
  const find = (field: ColumnField): number | undefined => {
    const columns = columnNamesOf(field)
      .map((name) => names.indexOf(name))
      .filter((index) => index !== -1);
    const contents = columns.map((index) => ({
      index,
      holds: contentOf(field, sample, index),
      needsProof: names[index] === AMBIGUOUS_NAME,
    }));
    const found =
      contents.find(({ holds }) => holds === 'the field') ??
      contents.find(({ holds, needsProof }) => holds === 'nothing' && !needsProof);
    if (found !== undefined) refuseRepeated(found.index, names, header);
    for (const { index, holds } of contents) {
      if (index !== found?.index) reasons.set(index, whyIgnored(field, sample, index, holds));
    }
    return found?.index;
  };
  const found = CATALOG_FIELDS.map((field) => [field, find(field)] as const);
  const { id, title, ...details } = Object.fromEntries(
    found.filter(([, index]) => index !== undefined),
  ) as Partial<Record<ColumnField, number>>;
  if (id === undefined) throw lacking('id', header, reasons);
  if (title === undefined) throw lacking('title', header, reasons);
  return { header, id, details: { title, ...details }, reasons };
};

const refuseRepeated = (
  index: number,
  names: readonly string[],
  header: readonly string[],
): void => {
  if (names.lastIndexOf(names[index] ?? '') === index) return;
  const column = columnLabel(header[index] ?? '');
  throw new CatalogFormatError(`The first line names the column "${column}" more than once.`);
};

type Content = 'the field' | 'something else' | 'nothing';

/** A column may have bad cells if they are in the minority. */
const contentOf = (
  field: ColumnField,
  sample: readonly (readonly string[])[],
  index: number,
): Content => {
  const cells = sample.map((row) => row[index] ?? '');
  if (field === 'id' || field === 'title') {
    const holds = field === 'id' ? isId : (cell: string) => cell.trim() !== '';
    return cells.some(holds) ? 'the field' : 'something else';
  }
  const known = cells.map((cell) => readDetail(field, cell)).filter((value) => value !== undefined);
  if (known.length === 0) return 'nothing';
  const fitting = known.filter((value) => isDetail(field, value)).length;
  return fitting * 2 >= known.length ? 'the field' : 'something else';
};

const isId = (cell: string): boolean => isAnimeId(wholeNumberIn(cell.trim()));

const NUMBER = /^\d+$/;
const IMAGE_ADDRESS =
  /^(?:(?:https?:\/\/|\/)\S+|data:image\/.+|\S+\.(?:jpe?g|png|webp|gif|svg|avif))$/is;

const isDetail = (detail: DetailName, value: unknown): boolean => {
  if (!areDetails({ title: 'any', [detail]: value })) return false;
  switch (detail) {
    case 'type':
      return !NUMBER.test(String(value));
    case 'image':
      return IMAGE_ADDRESS.test(String(value));
    case 'genres':
      return Array.isArray(value) && !value.every((genre) => NUMBER.test(String(genre)));
    default:
      return true;
  }
};

const AGE_RATING = /^(?:G|PG|PG-13|R|R\+|R-17\+|Rx)(?:\s*-.*)?$/i;

/** What the cells of a column should contain, for messages. */
const wantedOf = (name: ColumnField): string => {
  if (name === 'id') return 'ids';
  if (name === 'image') return 'addresses';
  const field: DetailField = DETAILS[name];
  switch (field.kind) {
    case 'text':
      return `${name}s`;
    case 'texts':
      return name;
    case 'number':
      return field.whole ? 'whole numbers' : `numbers from 0 to ${field.maximum}`;
  }
};

const whyIgnored = (
  field: ColumnField,
  sample: readonly (readonly string[])[],
  index: number,
  holds: Content,
): string => {
  if (holds === 'the field') return `another column is taken as ${field}`;
  if (holds === 'nothing') return 'only unknown values';
  const isAgeRating = sample.some((row) => AGE_RATING.test((row[index] ?? '').trim()));
  return field === 'score' && isAgeRating ? 'age rating' : reasonOfNone(field);
};

const reasonOfNone = (field: ColumnField): string => `no ${wantedOf(field)}`;

const lacking = (
  field: 'id' | 'title',
  header: readonly string[],
  reasons: ReadonlyMap<number, string>,
): CatalogFormatError => {
  const [wanted, examples] =
    field === 'id'
      ? ['ids (whole numbers from 1)', '"anime_id", "mal_id" or "uid"']
      : ['titles', '"title" or "name"'];
  const named = header.filter((_, index) => reasons.get(index) === reasonOfNone(field));
  return new CatalogFormatError(
    named.length === 0
      ? `The first line names no column of ${wanted}, such as ${examples}; it names ${quotedNames(header)}.`
      : `No ${wanted} are in the column ${quotedNames(named)}.`,
  );
};

/** The mapping of columns, as one line for a person. */
export const describeColumns = ({ header, id, details, reasons }: CatalogColumns): string => {
  const used: (readonly [index: number, field: string])[] = [
    [id, 'id'],
    ...Object.entries(details).map(([detail, index]) => [index, detail] as const),
  ];
  const usedIndexes = new Set(used.map(([index]) => index));
  const ignored = header.flatMap((name, index) => {
    const reason = reasons.get(index);
    if (usedIndexes.has(index)) return [];
    return [reason === undefined ? columnLabel(name) : `${columnLabel(name)} (${reason})`];
  });
  const mapping = used.map(([index, field]) => `${columnLabel(header[index] ?? '')} -> ${field}`);
  return [
    `${header.length} columns.`,
    `Used: ${mapping.join(', ')}.`,
    ...(ignored.length === 0 ? [] : [`Ignored: ${cut(ignored)}.`]),
    ...(used.length > 2
      ? []
      : ['Only ids and titles are imported: no column holds another detail.']),
  ].join(' ');
};

const MAX_NAMES = 40;

const cut = (names: readonly string[]): string =>
  names.slice(0, MAX_NAMES).join(', ') +
  (names.length > MAX_NAMES ? ` and ${names.length - MAX_NAMES} more` : '');

const quotedNames = (header: readonly string[]): string =>
  cut(header.map((name) => `"${columnLabel(name)}"`));

const columnLabel = (name: string): string => excerpt(name.trim(), 40) || '(no name)';
