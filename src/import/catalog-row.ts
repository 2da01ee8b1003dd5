import type { DetailsGiven } from '../domain/commands.js';
import { areDetails, detailsProblems } from '../domain/details.js';
import type { AnimeDetails } from '../domain/events.js';
import { isAnimeId, MAX_ANIME_ID, type AnimeId } from '../domain/ids.js';
import { excerpt, readDetail, wholeNumber } from './catalog-cells.js';
import type { CatalogColumns } from './catalog-columns.js';

export type MappedRow =
  | { readonly kind: 'title'; readonly animeId: AnimeId; readonly details: DetailsGiven }
  | { readonly kind: 'rejected'; readonly reason: string };

/**
 * A row's cells as a title to list, or everything that is wrong with them as one sentence. A detail
 * that the row does not know is left out, so that what the catalogue knows stays; `clear` sets it
 * to unknown.
 */
export const mapRow = (
  cells: readonly string[],
  columns: CatalogColumns,
  { clear = false }: { readonly clear?: boolean } = {},
): MappedRow => {
  const { id, details: places } = columns;
  const idCell = cells[id] ?? '';
  const animeId = wholeNumber(idCell.trim());
  if (!isAnimeId(animeId)) {
    return rejected(`the id "${excerpt(idCell)}" is no whole number from 1 to ${MAX_ANIME_ID}`);
  }
  const details: Partial<Record<keyof AnimeDetails, unknown>> = {};
  for (const [name, index] of Object.entries(places)) {
    const detail = name as keyof AnimeDetails;
    const value = readDetail(detail, cells[index] ?? '');
    if (value !== undefined) details[detail] = value;
    else if (clear) details[detail] = detail === 'genres' ? [] : null;
  }
  return areDetails(details)
    ? { kind: 'title', animeId, details }
    : rejected(problemsOf(details, columns, cells));
};

const rejected = (reason: string): MappedRow => ({ kind: 'rejected', reason });

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
