import { Router, type Request, type RequestHandler, type Response } from 'express';
import type { AnimeCommand } from '../../domain/commands.js';
import { callerOf, requireApiKey } from '../../platform/http/api-key.js';
import { BEACON_TYPES, jsonBody } from '../../platform/http/json-body.js';
import {
  correlationIdOf,
  requestIdOf,
  traceContextOf,
} from '../../platform/http/request-context.js';
import type { Logger } from '../../platform/observability/logger.js';
import { batchRoute } from './batch-route.js';
import { sendResult, type Success } from './responses.js';
import { bodyHashOf } from '../handling/queued-command.js';
import type { CommandOptions } from '../../ports/command-result.js';
import { parseIdempotencyKey, parseIfMatch, parseIfNoneMatch } from './headers.js';
import { traced } from '../../platform/observability/trace-context.js';
import type { CommandHandler } from '../handling/handler.js';
import {
  type InteractionBodies,
  interactionFields,
  type InteractionKind,
  pathAnimeId,
  RECORDED,
  toCommand,
  validBody,
  validDetails,
} from './validation.js';

export interface CommandRoutesOptions {
  readonly handler: Pick<CommandHandler, 'handle'>;
  /** If empty, commands need no key. */
  readonly apiKeys: readonly string[];
  /** Valid keys that may not send commands. */
  readonly readerKeys?: readonly string[];
  readonly now: () => Date;
  readonly logger: Logger;
}

const BODY_LIMIT_BYTES = 16 * 1024;

const DETAILS_RECORDED: Success = {
  message: 'Catalogue details recorded.',
  status: ({ type }) => (type === 'AnimeListed' ? 201 : 200),
};
const DELISTED: Success = { message: 'Anime removed from the catalogue.', status: () => 200 };

/** The commands over HTTP: validate, handle, respond. */
export const commandRoutes = (options: CommandRoutesOptions): Router => {
  const { handler, apiKeys, readerKeys, now, logger } = options;
  const fields = interactionFields(now);
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
      const given = commandOptionsOf(req, res, command);
      const { type, animeId } = command;
      const result = await traced(traceContextOf(res), type, { animeId }, (traceparent) =>
        handler.handle(command, traceparent === undefined ? given : { ...given, traceparent }),
      );
      sendResult(res, command, result, success);
    };

  const interaction = (kind: InteractionKind): RequestHandler =>
    take(async (req) => {
      const body = await validBody<InteractionBodies[typeof kind]>(req, fields[kind]);
      return toCommand(kind, body, at());
    }, RECORDED[kind]);
  const list = (req: Request): AnimeCommand => {
    const animeId = pathAnimeId(req);
    return { type: 'ListAnime', animeId, details: validDetails(req), at: at() };
  };
  const delist = (req: Request): AnimeCommand => ({
    type: 'DelistAnime',
    animeId: pathAnimeId(req),
    at: at(),
  });

  router.post('/click', guard, beacon, interaction('click'));
  router.post('/view', guard, beacon, interaction('view'));
  router.post('/rating', guard, beacon, interaction('rating'));
  router.post('/batch', guard, batchRoute({ handler, fields, now, logger }));
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
