import { decodeHTMLStrict } from 'entities';
import { type DetailName, DETAILS } from '../domain/details.js';
import { CONTROL_CHARACTER } from '../domain/rules.js';

/**
 * Reads a cell as the type of the detail; undefined if the value is unknown. Text that should be a
 * number stays text, and validation rejects it.
 */
export const readDetail = (detail: DetailName, cell: string): unknown => {
  const text = decodeHTMLStrict(cell).trim();
  // An anime may well be called "Unknown" or "?".
  if (detail === 'title') return text;
  if (isUnknownText(text)) return undefined;
  const field = DETAILS[detail];
  switch (field.kind) {
    case 'text':
      return text;
    case 'texts': {
      const genres = genresOf(text);
      return genres.length === 0 ? undefined : genres;
    }
    case 'number': {
      const value = field.whole ? wholeNumberIn(text) : decimal(text);
      return numberOr(text, value, { zeroIsUnknown: detail !== 'members' });
    }
  }
};

/** How spreadsheets, databases and scrapers write an unknown value, in lower case. */
const UNKNOWN_TEXTS: ReadonlySet<string> = new Set([
  '',
  'unknown',
  'n/a',
  '#n/a',
  'n.a.',
  'na',
  '<na>',
  'not available',
  'not applicable',
  'nan',
  'none',
  'null',
  'nil',
  'undefined',
  '\\n',
  '-',
  '--',
  '\u2013',
  '\u2014',
  '?',
  '??',
  'none found',
  'add some',
]);

/** Public catalogues have sentences such as "No synopsis has been added for this series yet." */
const PLACEHOLDER =
  /^no (?:synopsis|description|genres)(?: information)? (?:has|have|available)\b/i;

const isUnknownText = (text: string): boolean =>
  UNKNOWN_TEXTS.has(text.toLowerCase()) || PLACEHOLDER.test(text);

const MINUS_ONE = /^-1(?:\.0)?$/;

/** Catalogues write 0 for an unknown number of episodes, score or rank, and some write -1. */
const numberOr = (
  text: string,
  value: number | undefined,
  { zeroIsUnknown }: { readonly zeroIsUnknown: boolean },
): unknown => {
  if (MINUS_ONE.test(text) || (zeroIsUnknown && value === 0)) return undefined;
  return value ?? text;
};

/** Digits, thousands in groups of three, and a decimal zero: 26.0 is what a dump makes of 26. */
const WHOLE_NUMBER = /^(\d{1,3}([.,'\u2019\u00a0\u202f ])\d{3}(?:\2\d{3})*|\d+)(?:\.0{1,2}|,0)?$/;

export const wholeNumberIn = (text: string): number | undefined => {
  const digits = WHOLE_NUMBER.exec(text)?.[1];
  return digits === undefined ? undefined : Number(digits.replaceAll(/\D/g, ''));
};

/** A score is too small for thousands, so a comma in it is a decimal comma. */
const DECIMAL = /^\d+(?:[.,]\d+)?$/;

const decimal = (text: string): number | undefined =>
  DECIMAL.test(text) ? Number(text.replace(',', '.')) : undefined;

/** A longer cell is not a list of genres; validation rejects it. */
const MAX_GENRES_LENGTH = 20_000;

const genresOf = (text: string): readonly string[] => {
  if (text.length > MAX_GENRES_LENGTH) return [text];
  const genres = entriesOf(text)
    .flatMap((entry) => entry.split(/[,;|]/))
    .map((genre) => genre.trim());
  return [...new Set(genres)].filter((genre) => !isUnknownText(genre));
};

/** A list or a set as Python, JSON or PostgreSQL write it. */
const LIST_LITERAL = /^(?:\[(.*)\]|\{(.*)\}|\((.*)\))$/s;
const QUOTED_ENTRY = String.raw`'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"`;
/** Sticky, so that a quote counts only where an entry begins. */
const ENTRY = new RegExp(String.raw`(?:${QUOTED_ENTRY})[\s,]*`, 'gsy');
const NAME_OF_OBJECT = new RegExp(String.raw`['"]name['"]\s*:\s*(?:${QUOTED_ENTRY})`, 'gs');

const entriesOf = (text: string): readonly string[] => {
  const [, ...alternatives]: (string | undefined)[] = LIST_LITERAL.exec(text) ?? [];
  const inner = alternatives.find((found) => found !== undefined)?.trim();
  if (inner === undefined) return [text];
  if (inner.startsWith('{')) return [...inner.matchAll(NAME_OF_OBJECT)].map(unquoted);
  const quoted = [...inner.matchAll(ENTRY)];
  const length = quoted.reduce((sum, [entry]) => sum + entry.length, 0);
  // Without quotes, or with an unescaped apostrophe.
  if (length < inner.length) return inner.split(',').map(withoutQuotes);
  return quoted.map(unquoted);
};

const ESCAPE = /\\(?:u([\da-f]{4})|x([\da-f]{2})|(.))/gis;

const unquoted = ([, single, double]: RegExpExecArray): string =>
  (single ?? double ?? '').replace(
    ESCAPE,
    (_, unicode: string | undefined, latin: string | undefined, literal: string | undefined) =>
      literal ?? String.fromCharCode(parseInt(unicode ?? latin ?? '', 16)),
  );

const withoutQuotes = (entry: string): string => entry.trim().replace(/^(['"])(.*)\1$/s, '$2');

const ANY_CONTROL_CHARACTER = new RegExp(CONTROL_CHARACTER, 'gu');

/** Text for a terminal: shortened, and without control characters. */
export const excerpt = (cell: string, maxLength = 60): string => {
  const text = cell.replace(ANY_CONTROL_CHARACTER, '\u{fffd}').toWellFormed();
  return text.length > maxLength ? `${text.slice(0, maxLength).toWellFormed()}...` : text;
};
