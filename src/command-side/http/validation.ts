import type { Request } from 'express';
import { body, type ValidationChain } from 'express-validator';
import type { InteractionCommand } from '../../domain/commands.js';
import {
  type AnimeDetails,
  areDetails,
  completeDetails,
  type DetailProblem,
  detailsProblems,
  type UncheckedDetails,
} from '../../domain/details.js';
import { type AnimeId, isAnimeId, isUserId, type UserId } from '../../domain/ids.js';
import {
  isDurationSeconds,
  isRating,
  isTimely,
  keptRating,
  MAX_AGE_DAYS,
  MAX_AHEAD_MINUTES,
  utcOf,
} from '../../domain/rules.js';
import { type FieldProblem, Problem } from '../../platform/http/problem.js';
import { isJsonObject } from '../../ports/json.js';
import { isIdempotencyKey } from './headers.js';
import type { Success } from './responses.js';

/** What a field of a command must be. */
interface FieldRule {
  readonly name: string;
  readonly isValid: (value: unknown) => boolean;
  /** What is wrong, as the end of a sentence. */
  readonly expectation: string;
}

/** A rule with its check for the single routes: a batch has no request for each of its commands. */
export interface Field {
  readonly rule: FieldRule;
  readonly chain: ValidationChain;
}

/**
 * One check per field, including its type: the library's own checks accept "1" and [1] as 1. Values
 * are not coerced, and unknown fields are ignored.
 */
const field = (rule: FieldRule): Field => ({
  rule,
  chain: body(rule.name)
    .custom(rule.isValid)
    .withMessage((value: unknown) => problemWith(rule, value)),
});

const problemWith = ({ expectation }: FieldRule, value: unknown): string =>
  value === undefined ? 'is required' : expectation;

const absentOr =
  (isValid: FieldRule['isValid']): FieldRule['isValid'] =>
  (value) =>
    value === undefined || isValid(value);

const ANIME_ID_FIELD = field({
  name: 'anime_id',
  isValid: isAnimeId,
  expectation: 'must be a whole number from 1 to 2147483647',
});
const USER_ID_FIELD = field({
  name: 'user_id',
  isValid: isUserId,
  expectation:
    'must be a string of 1 to 128 well-formed characters, not blank, without control characters',
});
const DURATION_FIELD = field({
  name: 'duration_seconds',
  isValid: isDurationSeconds,
  expectation: 'must be a whole number from 0 to 2147483647',
});
const RATING_FIELD = field({
  name: 'rating',
  isValid: isRating,
  expectation: 'must be a number from 1 to 10',
});

/** When it happened, if that is not now. */
const occurredAtField = (now: () => Date): Field =>
  field({
    name: 'occurred_at',
    isValid: absentOr((value) => {
      const time = utcOf(value);
      return time !== undefined && isTimely(time, now().toISOString());
    }),
    expectation: `must be a time in ISO 8601 with an offset, at most ${MAX_AGE_DAYS} days old and at most ${MAX_AHEAD_MINUTES} minutes in the future`,
  });

interface ClickBody {
  readonly anime_id: AnimeId;
  readonly user_id: UserId;
  readonly occurred_at?: string;
}
interface ViewBody extends ClickBody {
  readonly duration_seconds: number;
}
interface RatingBody extends ClickBody {
  readonly rating: number;
}

export type FieldsByKind = Readonly<Record<InteractionKind, readonly Field[]>>;

/** The fields of each kind of interaction. They guarantee the types of `InteractionBodies`. */
export const interactionFields = (now: () => Date): FieldsByKind => {
  const common = [ANIME_ID_FIELD, USER_ID_FIELD, occurredAtField(now)];
  return { click: common, view: [...common, DURATION_FIELD], rating: [...common, RATING_FIELD] };
};

export interface InteractionBodies {
  readonly click: ClickBody;
  readonly view: ViewBody;
  readonly rating: RatingBody;
}

export type InteractionKind = keyof InteractionBodies;

/** The body of a request, if every field passes its check. The fields must guarantee `Body`. */
export const validBody = async <Body>(req: Request, fields: readonly Field[]): Promise<Body> => {
  const { body: given } = req as { readonly body: unknown };
  if (!isJsonObject(given)) throw notAnObject();
  // A chain costs more than all rules together, and only what it reports of a fault is needed.
  if (fields.every(({ rule }) => rule.isValid(given[rule.name]))) return given as Body;
  const errors: FieldProblem[] = [];
  for (const { chain } of fields) {
    const result = await chain.run(req, { dryRun: true });
    for (const error of result.array({ onlyFirstError: true })) {
      if (error.type === 'field') errors.push(fieldProblem(error.path, error.msg));
    }
  }
  throw invalidBody(errors);
};

/** An entry of a batch: the body of a single route, the kind that its path says, and its key. */
export interface CheckedCommand {
  readonly kind: InteractionKind;
  readonly body: InteractionBodies[InteractionKind];
  readonly id: string | undefined;
}

/** Checks an entry by the rules of the single routes, without a request. */
export const validEntry = (
  value: unknown,
  fields: FieldsByKind,
): CheckedCommand | { readonly problem: Problem } => {
  if (!isJsonObject(value)) return { problem: notAnObject() };
  const { type, id } = value;
  if (!isKind(type)) return { problem: invalidBody([problemOfField(TYPE_RULE, type)]) };
  let errors: FieldProblem[] | undefined;
  for (const { rule } of fields[type]) {
    const given = value[rule.name];
    if (!rule.isValid(given)) (errors ??= []).push(problemOfField(rule, given));
  }
  if (!ID_RULE.isValid(id)) (errors ??= []).push(problemOfField(ID_RULE, id));
  if (errors !== undefined) return { problem: invalidBody(errors) };
  // The rules guarantee these types.
  return {
    kind: type,
    body: value as unknown as ViewBody & RatingBody,
    id: id as string | undefined,
  };
};

const isKind = (value: unknown): value is InteractionKind =>
  value === 'click' || value === 'view' || value === 'rating';

const TYPE_RULE: FieldRule = {
  name: 'type',
  isValid: isKind,
  expectation: 'must be click, view or rating',
};

const ID_RULE: FieldRule = {
  name: 'id',
  isValid: absentOr(isIdempotencyKey),
  expectation: 'must be a string of 1 to 255 visible ASCII characters or blanks',
};

const problemOfField = (rule: FieldRule, value: unknown): FieldProblem =>
  fieldProblem(rule.name, problemWith(rule, value));

/** All details of an anime; absent ones are unknown. */
export const validDetails = (req: Request): AnimeDetails => {
  if (!isJsonObject(req.body)) throw notAnObject();
  const given = req.body as UncheckedDetails;
  if (!areDetails(given)) throw invalidBody(detailsProblems(given).map(toFieldProblem));
  return completeDetails(given);
};

const toFieldProblem = ({ field: name, index, reason }: DetailProblem): FieldProblem => ({
  pointer: index === undefined ? `/${name}` : `/${name}/${index}`,
  detail: sentence(index === undefined ? name : `${name}[${index}]`, reason),
});

const fieldProblem = (name: string, reason: unknown): FieldProblem => ({
  pointer: `/${name}`,
  detail: sentence(name, reason),
});

const sentence = (name: string, expectation: unknown): string => `${name} ${String(expectation)}.`;

const notAnObject = (): Problem =>
  invalidBody([{ pointer: '', detail: 'The body must be a JSON object.' }]);

export const invalidBody = (errors: readonly FieldProblem[]): Problem => {
  const detail = errors.map((error) => error.detail).join(' ');
  return new Problem(422, detail, { kind: 'validation', errors });
};

const PATH_ID = /^[1-9][0-9]{0,9}$/;

/** The anime in the path. */
export const pathAnimeId = (req: Request): AnimeId => {
  const { id } = req.params;
  const number = typeof id === 'string' && PATH_ID.test(id) ? Number(id) : undefined;
  if (isAnimeId(number)) return number;
  throw new Problem(400, 'The id in the path must be a whole number from 1 to 2147483647.');
};

/** The response to each kind of interaction. */
export const RECORDED: Readonly<Record<InteractionKind, Success>> = {
  click: { message: 'Click recorded.', status: () => 201 },
  view: { message: 'View recorded.', status: () => 201 },
  rating: { message: 'Rating recorded.', status: () => 201 },
};

type ToCommand<Kind extends InteractionKind> = (
  body: InteractionBodies[Kind],
  at: string,
) => InteractionCommand;

const TO_COMMAND: { readonly [Kind in InteractionKind]: ToCommand<Kind> } = {
  click: (body, at) => ({
    type: 'RegisterClick',
    animeId: body.anime_id,
    userId: body.user_id,
    at,
    ...occurrence(body),
  }),
  view: (body, at) => ({
    type: 'RegisterView',
    animeId: body.anime_id,
    userId: body.user_id,
    durationSeconds: body.duration_seconds,
    at,
    ...occurrence(body),
  }),
  rating: (body, at) => ({
    type: 'GiveRating',
    animeId: body.anime_id,
    userId: body.user_id,
    // Rounded here, so that 8.333 and 8.33 are the same body for an Idempotency-Key.
    rating: keptRating(body.rating),
    at,
    ...occurrence(body),
  }),
};

/** In UTC, so that the same time at another offset is the same body, too. */
const occurrence = ({ occurred_at }: InteractionBodies[InteractionKind]) => {
  const occurredAt = utcOf(occurred_at);
  return occurredAt === undefined ? {} : { occurredAt };
};

/** The command of a valid body that was received `at` a time. */
export const toCommand = <Kind extends InteractionKind>(
  kind: Kind,
  body: InteractionBodies[Kind],
  at: string,
): InteractionCommand => TO_COMMAND[kind](body, at);
