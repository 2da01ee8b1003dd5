import { isJsonObject } from '../../ports/json.js';
import type { Request } from 'express';
import { body, type ValidationChain } from 'express-validator';
import {
  type AnimeDetails,
  areDetails,
  completeDetails,
  type DetailProblem,
  detailsProblems,
  type UncheckedDetails,
} from '../../domain/details.js';
import { isAnimeId, isUserId, type AnimeId, type UserId } from '../../domain/ids.js';
import { isDurationSeconds, isRating } from '../../domain/rules.js';
import { Problem, type FieldProblem } from '../../platform/http/problem.js';

/**
 * One check per field, including its type: the library's own checks accept "1" and [1] as 1. Values
 * are not coerced, and unknown fields are ignored.
 */
const field = (
  name: string,
  isValid: (value: unknown) => boolean,
  expectation: string,
): ValidationChain =>
  body(name)
    .custom(isValid)
    .withMessage((value: unknown) => (value === undefined ? 'is required' : expectation));

const ANIME_ID_FIELD = field('anime_id', isAnimeId, 'must be a whole number from 1 to 2147483647');
const USER_ID_FIELD = field(
  'user_id',
  isUserId,
  'must be a string of 1 to 128 well-formed characters, not blank, without control characters',
);
const DURATION_FIELD = field(
  'duration_seconds',
  isDurationSeconds,
  'must be a whole number from 0 to 2147483647',
);
const RATING_FIELD = field('rating', isRating, 'must be a number from 1 to 10');

export interface ClickBody {
  readonly anime_id: AnimeId;
  readonly user_id: UserId;
}
export interface ViewBody extends ClickBody {
  readonly duration_seconds: number;
}
export interface RatingBody extends ClickBody {
  readonly rating: number;
}

export const validClick = (req: Request): Promise<ClickBody> =>
  valid(req, [ANIME_ID_FIELD, USER_ID_FIELD]);
export const validView = (req: Request): Promise<ViewBody> =>
  valid(req, [ANIME_ID_FIELD, USER_ID_FIELD, DURATION_FIELD]);
export const validRating = (req: Request): Promise<RatingBody> =>
  valid(req, [ANIME_ID_FIELD, USER_ID_FIELD, RATING_FIELD]);

/** The body, if every field passes its check. The checks must guarantee `Body`. */
const valid = async <Body>(req: Request, chains: readonly ValidationChain[]): Promise<Body> => {
  requireObject(req.body);
  const errors: FieldProblem[] = [];
  for (const chain of chains) {
    const result = await chain.run(req, { dryRun: true });
    for (const error of result.array({ onlyFirstError: true })) {
      if (error.type === 'field') {
        errors.push({ pointer: `/${error.path}`, detail: sentence(error.path, error.msg) });
      }
    }
  }
  if (errors.length > 0) throw invalidBody(errors);
  return req.body as Body;
};

/** All details of an anime; absent ones are unknown. */
export const validDetails = (req: Request): AnimeDetails => {
  requireObject(req.body);
  const given = req.body as UncheckedDetails;
  if (!areDetails(given)) throw invalidBody(detailsProblems(given).map(toFieldProblem));
  return completeDetails(given);
};

const toFieldProblem = ({ field: name, index, reason }: DetailProblem): FieldProblem => ({
  pointer: index === undefined ? `/${name}` : `/${name}/${index}`,
  detail: sentence(index === undefined ? name : `${name}[${index}]`, reason),
});

const sentence = (name: string, expectation: unknown): string => `${name} ${String(expectation)}.`;

const requireObject = (value: unknown): void => {
  if (isJsonObject(value)) return;
  throw invalidBody([{ pointer: '', detail: 'The body must be a JSON object.' }]);
};

const invalidBody = (errors: readonly FieldProblem[]): Problem => {
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
