import type { AnimeDetails } from './events.js';
import type { DetailsGiven } from './commands.js';
import {
  COMMAS,
  CONTROL_BUT_TAB_OR_LINE_BREAK,
  CONTROL_CHARACTERS,
  LONE_SURROGATES,
  textReason,
  type TextRule,
} from './text-rules.js';

/** The longest texts and the highest numbers that the catalogue takes, whoever brings them. */
export const DETAILS_LIMITS = {
  titleLength: 500,
  descriptionLength: 5_000,
  imageLength: 2_048,
  typeLength: 50,
  genres: 100,
  genreLength: 100,
  episodes: 1_000_000,
  score: 10,
  popularity: 2 ** 31 - 1,
  members: Number.MAX_SAFE_INTEGER,
} as const;

const L = DETAILS_LIMITS;

const line = (maxLength: number): TextRule => ({
  maxLength,
  forbidden: [LONE_SURROGATES, CONTROL_CHARACTERS],
});

/** The rule of each text; a description may have lines. */
export const DETAILS_TEXTS = {
  title: line(L.titleLength),
  description: {
    maxLength: L.descriptionLength,
    mayBeBlank: true,
    forbidden: [LONE_SURROGATES, CONTROL_BUT_TAB_OR_LINE_BREAK],
  },
  image: line(L.imageLength),
  type: line(L.typeLength),
} as const satisfies Partial<Record<keyof AnimeDetails, TextRule>>;

/** Genres are read and shown as one comma separated text. */
export const GENRE: TextRule = {
  maxLength: L.genreLength,
  forbidden: [LONE_SURROGATES, CONTROL_CHARACTERS, COMMAS],
};

/** What is wrong with one detail: a sentence for a person. */
export interface DetailProblem {
  readonly field: keyof AnimeDetails;
  /** Which genre, counted from 0. */
  readonly index?: number;
  readonly reason: string;
}

/**
 * Checks details that somebody gives, of whatever type they are: the title must be there, every
 * other detail may be absent or (genres excepted) null. Fields that are no details are not looked at.
 * Empty means that they are details that the catalogue takes.
 */
export const detailsProblems = (
  given: Readonly<Partial<Record<keyof AnimeDetails, unknown>>>,
): readonly DetailProblem[] =>
  CHECKS.flatMap(([field, check]) => {
    const value = given[field];
    const missing = value === undefined || (value === null && field !== 'genres');
    if (missing && field !== 'title') return [];
    return check(value).map((problem) => ({ field, ...problem }));
  });

/** Whether `detailsProblems` finds none. */
export const areDetails = (
  given: Readonly<Partial<Record<keyof AnimeDetails, unknown>>>,
): given is DetailsGiven => detailsProblems(given).length === 0;

type Problem = Omit<DetailProblem, 'field'>;
type Check = (value: unknown) => readonly Problem[];

const numberProblem = (value: unknown, whole: boolean, max: number): string | undefined =>
  typeof value === 'number' &&
  (whole ? Number.isSafeInteger(value) : Number.isFinite(value)) &&
  value >= 0 &&
  value <= max &&
  !Object.is(value, -0)
    ? undefined
    : `must be a ${whole ? 'whole ' : ''}number from 0 to ${max.toLocaleString('en')}`;

const genreProblem = textReason(GENRE);

const genresProblems = (value: unknown): readonly Problem[] => {
  if (!Array.isArray(value)) return [{ reason: 'must be a list of strings' }];
  if (value.length > DETAILS_LIMITS.genres) {
    return [{ reason: `must have at most ${DETAILS_LIMITS.genres} entries` }];
  }
  return value.flatMap((genre, index) => {
    const reason = genreProblem(genre);
    return reason === undefined ? [] : [{ index, reason }];
  });
};

const one =
  (problem: (value: unknown) => string | undefined): Check =>
  (value) => {
    const reason = problem(value);
    return reason === undefined ? [] : [{ reason }];
  };

const CHECKS: readonly (readonly [keyof AnimeDetails, Check])[] = [
  ['title', one(textReason(DETAILS_TEXTS.title))],
  ['description', one(textReason(DETAILS_TEXTS.description))],
  ['image', one(textReason(DETAILS_TEXTS.image))],
  ['type', one(textReason(DETAILS_TEXTS.type))],
  ['episodes', one((value) => numberProblem(value, true, L.episodes))],
  ['genres', genresProblems],
  ['score', one((value) => numberProblem(value, false, L.score))],
  ['popularity', one((value) => numberProblem(value, true, L.popularity))],
  ['members', one((value) => numberProblem(value, true, L.members))],
];
