/**
 * What a text may be, as data. Checks and published schemas are both built from it, so that they
 * cannot differ.
 */
export interface TextRule {
  /** In code points, as JSON Schema counts: an emoji is one character. */
  readonly maxLength: number;
  /** Default: it needs a character that is not white space. */
  readonly mayBeBlank?: boolean;
  readonly forbidden: readonly ForbiddenCharacters[];
}

interface ForbiddenCharacters {
  /** The inside of a character class, with escapes that most regular expression dialects share. */
  readonly characters: string;
  readonly reason: string;
}

/** Refused because stores replace each of them by U+FFFD: two texts would become one. */
export const LONE_SURROGATES: ForbiddenCharacters = {
  characters: '\\ud800-\\udfff',
  reason: 'must be well-formed Unicode',
};

export const CONTROL_CHARACTERS: ForbiddenCharacters = {
  characters: '\\u0000-\\u001f\\u007f-\\u009f',
  reason: 'must not have control characters',
};

/** A control character anywhere in a text. */
export const CONTROL_CHARACTER = new RegExp(`[${CONTROL_CHARACTERS.characters}]`, 'u');

export const CONTROL_BUT_TAB_OR_LINE_BREAK: ForbiddenCharacters = {
  characters: '\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f',
  reason: CONTROL_CHARACTERS.reason,
};

export const COMMAS: ForbiddenCharacters = { characters: ',', reason: 'must not have a comma' };

/** The rule without its length, as a regular expression for the flag u. */
export const patternOf = ({ mayBeBlank = false, forbidden }: TextRule): string => {
  const characters = forbidden.map((each) => each.characters).join('');
  return `^${mayBeBlank ? '' : '(?!\\s*$)'}[^${characters}]*$`;
};

/** Whether a value satisfies the rule. */
export const textCheck = (rule: TextRule): ((value: unknown) => value is string) => {
  const pattern = new RegExp(patternOf(rule), 'u');
  return (value): value is string =>
    typeof value === 'string' && !isLonger(value, rule.maxLength) && pattern.test(value);
};

/** Why a value breaks the rule; undefined if it does not. */
export const textReason = (rule: TextRule): ((value: unknown) => string | undefined) => {
  const { maxLength, mayBeBlank = false } = rule;
  const forbidden = rule.forbidden.map(({ characters, reason }) => ({
    found: new RegExp(`[${characters}]`, 'u'),
    reason,
  }));
  return (value) => {
    if (typeof value !== 'string') return 'must be a string';
    if (isLonger(value, maxLength)) {
      return `must have at most ${maxLength.toLocaleString('en')} characters`;
    }
    const broken = forbidden.find(({ found }) => found.test(value));
    if (broken !== undefined) return broken.reason;
    return mayBeBlank || value.trim() !== '' ? undefined : 'must not be blank';
  };
};

/** A code point is one or two UTF-16 units, so most texts need no counting. */
const isLonger = (text: string, maxLength: number): boolean =>
  text.length > maxLength && (text.length > 2 * maxLength || Array.from(text).length > maxLength);

export const MIN_RATING = 1;
export const MAX_RATING = 10;
/** 68 years: what fits into 32 bits, as clients and stores count. */
export const MAX_VIEW_SECONDS = 2 ** 31 - 1;

/** Any number from 1 to 10; `keptRating` says what is kept of it. */
export const isRating = (value: unknown): value is number =>
  typeof value === 'number' && value >= MIN_RATING && value <= MAX_RATING;

/**
 * A rating rounded to hundredths, halves up, so that sums of hundredths are exact. The decimal form
 * is rounded, because 1.005 * 100 is below 100.5. A rating with two decimals is not changed.
 */
export const keptRating = (rating: number): number => {
  if (Math.round(rating * 100) / 100 === rating) return rating;
  const [whole = '', decimals = ''] = String(rating).split('.');
  const hundredths = Number(whole + decimals.slice(0, 2));
  return (decimals.charAt(2) >= '5' ? hundredths + 1 : hundredths) / 100;
};

/** 0 to 2^31-1 whole seconds. */
export const isDurationSeconds = (value: unknown): value is number =>
  typeof value === 'number' &&
  Number.isInteger(value) &&
  value >= 0 &&
  value <= MAX_VIEW_SECONDS &&
  !Object.is(value, -0);

/** How old an interaction may be when it is received: a client that was offline sends it later. */
export const MAX_AGE_DAYS = 7;
/** How far ahead of ours a client's clock may be. */
export const MAX_AHEAD_MINUTES = 5;

export const MINUTE_MS = 60_000;
export const DAY_MS = 24 * 60 * MINUTE_MS;

/** A time in ISO 8601 with an offset, as RFC 3339 writes it. */
export const TIME_PATTERN =
  '^[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3])(?::[0-5][0-9]){2}(?:\\.[0-9]{1,9})?(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])$';

const TIME = new RegExp(TIME_PATTERN);

/** The time in UTC and in whole milliseconds; undefined for anything but a time with an offset. */
export const utcOf = (value: unknown): string | undefined => {
  if (typeof value !== 'string' || !TIME.test(value) || !isDate(value)) return undefined;
  const time = new Date(value);
  return Number.isNaN(time.getTime()) ? undefined : time.toISOString();
};

/** Whether the calendar has the day: `Date` takes 30 February for 2 March. */
const isDate = (value: string): boolean => {
  const day = value.slice(0, 10);
  const time = new Date(`${day}T00:00:00Z`);
  return !Number.isNaN(time.getTime()) && time.toISOString().startsWith(day);
};

/** Whether something that was received at one time may have happened at another, both in UTC. */
export const isTimely = (occurredAt: string, receivedAt: string): boolean => {
  if (occurredAt === receivedAt) return true;
  const ageMs = Date.parse(receivedAt) - Date.parse(occurredAt);
  return ageMs <= MAX_AGE_DAYS * DAY_MS && ageMs >= -MAX_AHEAD_MINUTES * MINUTE_MS;
};

/** The later of two times in UTC, whose seconds may have fractions of different lengths. */
export const laterOf = (a: string | null, b: string): string =>
  a === null || a.slice(0, -1) < b.slice(0, -1) ? b : a;
