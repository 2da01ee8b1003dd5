import { DETAIL_NAMES, areDetails, type UncheckedDetails } from '../domain/details.js';
import type { ListAnime } from '../domain/commands.js';
import { isAnimeId } from '../domain/ids.js';
import type { ListingOutcome } from '../import/import-report.js';
import { PortError, type PortErrorCode } from '../ports/errors.js';

/** Raised with every change of the frames of an import. */
export const IMPORT_PROTOCOL = 1;

/** A frame of titles ends with the title that reaches one of these. */
export const MAX_TITLES = 64;
export const MAX_TITLES_LENGTH = 64 * 1024;

/** A title to list, by the number under which its outcome comes back. */
export interface NumberedTitle {
  readonly number: number;
  readonly command: ListAnime;
}

export type TitleOutcome = ListingOutcome | PortError;

/** A title as text, to become part of a frame. */
export const encodeTitle = (number: number, command: ListAnime): string => {
  const { animeId, at, relist = true, details } = command;
  return JSON.stringify([number, animeId, at, relist, details]);
};

/** One line of titles from a client. */
export const titlesFrame = (encoded: readonly string[]): string => `{"titles":[${encoded.join()}]}`;

/** The titles of a line. Throws a SyntaxError if it is no such frame. */
export const readTitles = (line: string): readonly NumberedTitle[] => {
  const { titles } = JSON.parse(line) as { titles?: unknown };
  if (!Array.isArray(titles) || titles.length > MAX_TITLES) throw new SyntaxError('No titles.');
  return titles.map(readTitle);
};

const readTitle = (title: unknown): NumberedTitle => {
  if (!Array.isArray(title)) throw new SyntaxError('Not a title.');
  const [number, animeId, at, relist, details] = title as unknown[];
  if (
    Number.isSafeInteger(number) &&
    isAnimeId(animeId) &&
    isTime(at) &&
    typeof relist === 'boolean' &&
    hasOnlyDetails(details) &&
    areDetails(details)
  ) {
    const command = { type: 'ListAnime', animeId, at, details, relist } as const;
    return { number: number as number, command };
  }
  throw new SyntaxError('Not a title.');
};

const ISO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

const isTime = (value: unknown): value is string =>
  typeof value === 'string' && ISO_TIME.test(value) && !Number.isNaN(Date.parse(value));

const DETAIL_NAME_SET: ReadonlySet<string> = new Set(DETAIL_NAMES);

const hasOnlyDetails = (value: unknown): value is UncheckedDetails =>
  typeof value === 'object' &&
  value !== null &&
  Object.keys(value).every((name) => DETAIL_NAME_SET.has(name));

type EncodedOutcome =
  | ListingOutcome
  | { readonly code: PortErrorCode; readonly message: string; readonly retriable: boolean };

/** Pairs of a title's number and its outcome. */
export type OutcomesFrame = { readonly outcomes: readonly (readonly [number, EncodedOutcome])[] };

export const encodeOutcome = (outcome: TitleOutcome): EncodedOutcome => {
  if (!(outcome instanceof PortError)) return outcome;
  const { code, message, retriable } = outcome;
  return { code, message, retriable };
};

export const decodeOutcome = (outcome: EncodedOutcome): TitleOutcome =>
  typeof outcome === 'string'
    ? outcome
    : new PortError(outcome.code, outcome.message, outcome.retriable);
