import {
  COMMAS,
  CONTROL_BUT_TAB_OR_LINE_BREAK,
  CONTROL_CHARACTERS,
  LONE_SURROGATES,
  textReason,
  type TextRule,
} from './rules.js';

interface Shown<Value> {
  /** A sentence for the readers of the API's documents. */
  readonly about: string;
  readonly example: Value;
}

interface TextField extends TextRule, Shown<string> {
  readonly kind: 'text';
  /** Default: it may be null, which means unknown. */
  readonly required?: boolean;
}

interface NumberField extends Shown<number> {
  readonly kind: 'number';
  readonly whole: boolean;
  readonly maximum: number;
}

interface TextsField extends Shown<readonly string[]> {
  readonly kind: 'texts';
  readonly maxItems: number;
  readonly item: TextRule & Shown<string>;
}

export type DetailField = TextField | NumberField | TextsField;

const LINE = { kind: 'text', forbidden: [LONE_SURROGATES, CONTROL_CHARACTERS] } as const;
const COUNT = { kind: 'number', whole: true } as const;

/**
 * The fields of the catalogue, declared here and nowhere else: types, checks, stored events, OpenAPI,
 * documents and import follow. GraphQL only adds a description. Events that are older than a field
 * are read as if it were unknown.
 */
export const DETAILS = {
  title: {
    ...LINE,
    required: true,
    maxLength: 500,
    about: 'Its title.',
    example: 'Cowboy Bebop',
  },
  description: {
    kind: 'text',
    maxLength: 5_000,
    mayBeBlank: true,
    forbidden: [LONE_SURROGATES, CONTROL_BUT_TAB_OR_LINE_BREAK],
    about: 'What it is about; may have lines.',
    example: 'Four bounty hunters and a dog travel through the solar system of 2071.',
  },
  image: {
    ...LINE,
    maxLength: 2_048,
    about: 'The address of a picture.',
    example: 'https://images.example.org/anime/1.jpg',
  },
  type: { ...LINE, maxLength: 50, about: 'Such as TV, Movie or OVA.', example: 'TV' },
  episodes: { ...COUNT, maximum: 1_000_000, about: 'How many episodes it has.', example: 26 },
  genres: {
    kind: 'texts',
    maxItems: 100,
    // Queries return all genres as one comma-separated text.
    item: {
      maxLength: 100,
      forbidden: [LONE_SURROGATES, CONTROL_CHARACTERS, COMMAS],
      about: 'The name of a genre, without commas.',
      example: 'Action',
    },
    about: 'Its genres; none by default, never null.',
    example: ['Action', 'Award Winning', 'Sci-Fi'],
  },
  score: {
    kind: 'number',
    whole: false,
    maximum: 10,
    about: 'Its score elsewhere.',
    example: 8.75,
  },
  popularity: {
    ...COUNT,
    maximum: 2 ** 31 - 1,
    about: 'Its rank; 1 is the most popular.',
    example: 43,
  },
  members: {
    ...COUNT,
    maximum: Number.MAX_SAFE_INTEGER,
    about: 'How many people follow it.',
    example: 1_771_505,
  },
} as const satisfies Readonly<Record<string, DetailField>>;

export type DetailName = keyof typeof DETAILS;

type ValueOf<Field extends DetailField> = Field extends TextsField
  ? readonly string[]
  : Field extends NumberField
    ? number | null
    : Field extends { readonly required: true }
      ? string
      : string | null;

/** What the catalogue knows of an anime. Null means unknown. */
export type AnimeDetails = { readonly [Name in DetailName]: ValueOf<(typeof DETAILS)[Name]> };

/** Details to record; an absent one keeps its value, or is unknown if the anime is new. */
export type DetailsGiven = Pick<AnimeDetails, 'title'> & Partial<AnimeDetails>;

const DETAIL_FIELDS: readonly (readonly [DetailName, DetailField])[] = Object.entries(
  DETAILS,
) as unknown as readonly (readonly [DetailName, DetailField])[];

export const DETAIL_NAMES: readonly DetailName[] = DETAIL_FIELDS.map(([name]) => name);

const detailsOf = (valueOf: (field: DetailField, name: DetailName) => unknown): AnimeDetails =>
  Object.fromEntries(
    DETAIL_FIELDS.map(([name, field]) => [name, valueOf(field, name)]),
  ) as unknown as AnimeDetails;

/** An example of every field. */
export const EXAMPLE_DETAILS = detailsOf(({ example }) => example);

const UNKNOWN_DETAILS = detailsOf(({ kind }) => (kind === 'texts' ? [] : null));

/** All details: absent and null ones are unknown, and what is no detail is left out. */
export const completeDetails = (given: DetailsGiven): AnimeDetails =>
  detailsOf((_, name) => given[name] ?? UNKNOWN_DETAILS[name]);

/** The known details with those that are given. */
export const revisedDetails = (known: AnimeDetails | null, given: DetailsGiven): AnimeDetails => ({
  ...UNKNOWN_DETAILS,
  ...known,
  ...given,
});

export const areSameDetails = (a: AnimeDetails, b: AnimeDetails | null): boolean =>
  b !== null && DETAIL_NAMES.every((name) => isSameValue(a[name], b[name]));

type DetailValue = AnimeDetails[DetailName];

const isSameValue = (a: DetailValue, b: DetailValue): boolean =>
  a === b ||
  (typeof a === 'object' &&
    typeof b === 'object' &&
    a?.length === b?.length &&
    a?.every((text, index) => text === b?.[index]) === true);

/** What is wrong with one detail: a sentence for a person. */
export interface DetailProblem {
  readonly field: DetailName;
  /** Which entry of a list, counted from 0. */
  readonly index?: number;
  readonly reason: string;
}

/** Values from outside, of whatever type. */
export type UncheckedDetails = Readonly<Partial<Record<DetailName, unknown>>>;

/**
 * Everything that is wrong with the given details. The title is required; any other may be absent
 * or (lists excepted) null. Other properties are ignored.
 */
export const detailsProblems = (given: UncheckedDetails): readonly DetailProblem[] =>
  CHECKS.flatMap(([name, field, check]) => {
    const value = given[name];
    if (isUnknownValue(value, field)) return [];
    return check(value).map((problem) => ({ field: name, ...problem }));
  });

/** Whether `detailsProblems` finds none. */
export const areDetails = (given: UncheckedDetails): given is DetailsGiven =>
  detailsProblems(given).length === 0;

const isUnknownValue = (value: unknown, field: DetailField): boolean =>
  !(field.kind === 'text' && field.required === true) &&
  (value === undefined || (value === null && field.kind !== 'texts'));

type ValueProblem = Omit<DetailProblem, 'field'>;
type ValueCheck = (value: unknown) => readonly ValueProblem[];

const checkOf = (field: DetailField): ValueCheck => {
  switch (field.kind) {
    case 'text':
      return one(textReason(field));
    case 'number':
      return one((value) => numberReason(value, field));
    case 'texts':
      return textsProblems(field);
  }
};

const one =
  (reasonOf: (value: unknown) => string | undefined): ValueCheck =>
  (value) => {
    const reason = reasonOf(value);
    return reason === undefined ? [] : [{ reason }];
  };

const numberReason = (value: unknown, { whole, maximum }: NumberField): string | undefined =>
  typeof value === 'number' &&
  (whole ? Number.isSafeInteger(value) : Number.isFinite(value)) &&
  value >= 0 &&
  value <= maximum &&
  !Object.is(value, -0)
    ? undefined
    : `must be a ${whole ? 'whole ' : ''}number from 0 to ${maximum.toLocaleString('en')}`;

const textsProblems = ({ item, maxItems }: TextsField): ValueCheck => {
  const reasonOf = textReason(item);
  return (value) => {
    if (!Array.isArray(value)) return [{ reason: 'must be a list of strings' }];
    if (value.length > maxItems) return [{ reason: `must have at most ${maxItems} entries` }];
    return value.flatMap((text, index) => {
      const reason = reasonOf(text);
      return reason === undefined ? [] : [{ index, reason }];
    });
  };
};

const CHECKS = DETAIL_FIELDS.map(([name, field]) => [name, field, checkOf(field)] as const);

/**
 * The details of a stored event; undefined if a value has another type. Limits are not checked:
 * what was recorded stays. A field that is younger than the event is unknown.
 */
export const storedDetails = (stored: unknown): AnimeDetails | undefined => {
  if (typeof stored !== 'object' || stored === null) return undefined;
  const values = stored as UncheckedDetails;
  const isKnown = ([name, field]: (typeof DETAIL_FIELDS)[number]): boolean =>
    isUnknownValue(values[name], field) || hasType(values[name], field);
  if (!DETAIL_FIELDS.every(isKnown)) return undefined;
  // Mostly complete, and then not copied.
  return DETAIL_NAMES.every((name) => values[name] !== undefined)
    ? (stored as AnimeDetails)
    : completeDetails(stored as DetailsGiven);
};

const hasType = (value: unknown, { kind }: DetailField): boolean => {
  switch (kind) {
    case 'text':
      return typeof value === 'string';
    case 'number':
      return Number.isFinite(value);
    case 'texts':
      return Array.isArray(value) && value.every((text) => typeof text === 'string');
  }
};
