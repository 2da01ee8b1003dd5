import { SpanStatusCode, type Context } from '@opentelemetry/api';
import { Router, type Request, type RequestHandler, type Response } from 'express';
import type { AnimeCommand } from '../../domain/commands.js';
import { keptRating } from '../../domain/rules.js';
import { callerOf, requireApiKey } from '../../platform/http/api-key.js';
import { BEACON_TYPES, jsonBody } from '../../platform/http/json-body.js';
import {
  correlationIdOf,
  requestIdOf,
  traceContextOf,
} from '../../platform/http/request-context.js';
import { startSpan, traceparentOf } from '../../platform/observability/trace-context.js';
import { sendResult, type Success } from './responses.js';
import { bodyHashOf } from '../handling/queued-command.js';
import type { CommandOptions } from '../../ports/command-result.js';
import { parseIdempotencyKey, parseIfMatch, parseIfNoneMatch } from './headers.js';
import type { CommandHandler } from '../handling/handler.js';
import { pathAnimeId, validClick, validDetails, validRating, validView } from './validation.js';

export interface CommandRoutesOptions {
  readonly handler: Pick<CommandHandler, 'handle'>;
  /** If empty, commands need no key. */
  readonly apiKeys: readonly string[];
  /** Valid keys that may not send commands. */
  readonly readerKeys?: readonly string[];
  readonly now: () => Date;
}

const BODY_LIMIT_BYTES = 16 * 1024;

const CLICKED: Success = { message: 'Click recorded.', status: () => 201 };
const VIEWED: Success = { message: 'View recorded.', status: () => 201 };
const RATED: Success = { message: 'Rating recorded.', status: () => 201 };
const DETAILS_RECORDED: Success = {
  message: 'Catalogue details recorded.',
  status: ({ type }) => (type === 'AnimeListed' ? 201 : 200),
};
const DELISTED: Success = { message: 'Anime removed from the catalogue.', status: () => 200 };

/** The commands over HTTP: validate, handle, respond. */
export const commandRoutes = (options: CommandRoutesOptions): Router => {
  const { handler, apiKeys, readerKeys, now } = options;
  const router = Router({ caseSensitive: true });
  const guard = requireApiKey(apiKeys, readerKeys);
  const json = jsonBody({ limitBytes: BODY_LIMIT_BYTES });
  const beacon = jsonBody({ limitBytes: BODY_LIMIT_BYTES, types: BEACON_TYPES });
  const at = (): string => now().toISOString();

  const take =
    (
      read: (req: Request) => AnimeCommand | Promise<AnimeCommand>,
      success: Success,
    ): RequestHandler =>
    async (req, res) => {
      const command = await read(req);
      const options = commandOptionsOf(req, res, command);
      const result = await traced(handler, command, options, traceContextOf(res));
      sendResult(res, command, result, success);
    };

  const click = async (req: Request): Promise<AnimeCommand> => {
    const { anime_id: animeId, user_id: userId } = await validClick(req);
    return { type: 'RegisterClick', animeId, userId, at: at() };
  };
  const view = async (req: Request): Promise<AnimeCommand> => {
    const { anime_id: animeId, user_id: userId, duration_seconds } = await validView(req);
    return { type: 'RegisterView', animeId, userId, durationSeconds: duration_seconds, at: at() };
  };
  const rating = async (req: Request): Promise<AnimeCommand> => {
    const { anime_id: animeId, user_id: userId, rating: given } = await validRating(req);
    // Rounded here, so that 8.333 and 8.33 are the same body for an Idempotency-Key.
    return { type: 'GiveRating', animeId, userId, rating: keptRating(given), at: at() };
  };
  const list = (req: Request): AnimeCommand => {
    const animeId = pathAnimeId(req);
    return { type: 'ListAnime', animeId, details: validDetails(req), at: at() };
  };
  const delist = (req: Request): AnimeCommand => ({
    type: 'DelistAnime',
    animeId: pathAnimeId(req),
    at: at(),
  });

  router.post('/click', guard, beacon, take(click, CLICKED));
  router.post('/view', guard, beacon, take(view, VIEWED));
  router.post('/rating', guard, beacon, take(rating, RATED));
  router.put('/animes/:id', guard, json, take(list, DETAILS_RECORDED));
  router.delete('/animes/:id', guard, take(delist, DELISTED));
  return router;
};

const commandOptionsOf = (req: Request, res: Response, command: AnimeCommand): CommandOptions => {
  const ifMatch = parseIfMatch(req.get('if-match'));
  const ifNoneMatch = parseIfNoneMatch(req.get('if-none-match'));
  const key = parseIdempotencyKey(req.get('idempotency-key'));
  return {
    correlationId: correlationIdOf(res),
    causationId: requestIdOf(res),
    ...(ifMatch === undefined ? {} : { ifMatch }),
    ...(ifNoneMatch === undefined ? {} : { ifNoneMatch }),
    ...(key === undefined
      ? {}
      : { idempotencyKey: { caller: callerOf(res), key, bodyHash: bodyHashOf(command) } }),
  };
};

/** One span per command; the event continues its trace. */
const traced = async (
  handler: Pick<CommandHandler, 'handle'>,
  command: AnimeCommand,
  options: CommandOptions,
  parent: Context,
) => {
  const attributes = { animeId: command.animeId };
  const { span, within } = startSpan(command.type, { attributes }, parent);
  const traceparent = traceparentOf(within);
  try {
    const result = await handler.handle(
      command,
      traceparent === undefined ? options : { ...options, traceparent },
    );
    span.setAttribute('outcome', result.kind);
    return result;
  } catch (error) {
    span.setStatus({ code: SpanStatusCode.ERROR });
    throw error;
  } finally {
    span.end();
  }
};
