import { decodeHTMLStrict } from 'entities';
import type { DetailsGiven } from '../domain/commands.js';
import { areDetails, detailsProblems } from '../domain/details-rules.js';
import type { AnimeDetails } from '../domain/events.js';
import { isAnimeId, MAX_ANIME_ID, type AnimeId } from '../domain/ids.js';
import type { CatalogColumns } from './catalog-columns.js';

export type MappedRow =
  | { readonly kind: 'title'; readonly animeId: AnimeId; readonly details: DetailsGiven }
  | { readonly kind: 'rejected'; readonly reason: string };

/** A row's cells as a title to list, or everything that is wrong with them as one sentence. */
export const mapRow = (cells: readonly string[], columns: CatalogColumns): MappedRow => {
  if (cells.length !== columns.count) {
    return rejected(`has ${cells.length} columns where the first line has ${columns.count}`);
  }
  const id = cells[columns.id] ?? '';
  const animeId = wholeOrDecimal(id.trim());
  if (!isAnimeId(animeId)) {
    return rejected(`the id "${excerpt(id)}" is no whole number from 1 to ${MAX_ANIME_ID}`);
  }
  const details = Object.fromEntries(
    Object.entries(columns.details).map(([detail, index]) => [
      detail,
      read(detail as keyof AnimeDetails, cells[index] ?? ''),
    ]),
  );
  return areDetails(details)
    ? { kind: 'title', animeId, details }
    : rejected(problemsOf(details, columns, cells));
};

const rejected = (reason: string): MappedRow => ({ kind: 'rejected', reason });

/** A cell of the type that its detail has; a number that is none stays text, for the rules to refuse. */
const read = (detail: keyof AnimeDetails, cell: string): unknown => {
  const text = decodeHTMLStrict(cell).trim();
  switch (detail) {
    case 'title':
      return text;
    case 'genres':
      return isUnknown(text) ? [] : genresOf(text);
    case 'description':
    case 'image':
    case 'type':
      return isUnknown(text) ? null : text;
    case 'episodes':
    case 'score':
    case 'popularity':
    case 'members':
      return isUnknown(text) ? null : (wholeOrDecimal(text) ?? text);
  }
};

const isUnknown = (text: string): boolean => text === '' || text.toLowerCase() === 'unknown';

const genresOf = (text: string): readonly string[] => [
  ...new Set(
    text
      .split(',')
      .map((genre) => genre.trim())
      .filter((genre) => genre !== ''),
  ),
];

/** Digits, thousands commas in their places, decimals; 26.0 is what a dump makes of 26. */
const NUMBER = /^(\d+|\d{1,3}(,\d{3})+)(\.\d+)?$/;

const wholeOrDecimal = (text: string): number | undefined =>
  NUMBER.test(text) ? Number(text.replaceAll(',', '')) : undefined;

const problemsOf = (
  details: Readonly<Record<string, unknown>>,
  columns: CatalogColumns,
  cells: readonly string[],
): string =>
  detailsProblems(details)
    .map(({ field, index, reason }) => {
      const name = index === undefined ? field : `${field}[${index}]`;
      return `${name} ${reason}: "${excerpt(cells[columns.details[field] ?? -1] ?? '')}"`;
    })
    .join('; ');

const EXCERPT = 60;
const CONTROL_CHARACTERS = /\p{Cc}/gu;

/** Rejections are shown on terminals: what steers one is left out. */
const excerpt = (cell: string): string => {
  const text = cell.replace(CONTROL_CHARACTERS, '\u{fffd}').toWellFormed();
  return text.length > EXCERPT ? `${text.slice(0, EXCERPT).toWellFormed()}...` : text;
};
