import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Request, RequestHandler, Response } from 'express';
import type { InteractionCommand } from '../../domain/commands.js';
import { callerOf } from '../../platform/http/api-key.js';
import { BATCH_TYPES, jsonBody } from '../../platform/http/json-body.js';
import { isNdjson, type Line, readLines, TOO_LARGE } from '../../platform/http/ndjson-body.js';
import { Problem, problemDocument, problemOfError } from '../../platform/http/problem.js';
import { countMore, tooManyRequests } from '../../platform/http/rate-limit.js';
import {
  correlationIdOf,
  requestIdOf,
  traceContextOf,
} from '../../platform/http/request-context.js';
import type { Logger } from '../../platform/observability/logger.js';
import type { CommandOptions } from '../../ports/command-result.js';
import type { CommandHandler } from '../handling/handler.js';
import { bodyHashOf } from '../handling/queued-command.js';
import { batchResult, sendJsonText } from './responses.js';
import { traced } from '../../platform/observability/trace-context.js';
import {
  type FieldsByKind,
  type InteractionKind,
  invalidBody,
  RECORDED,
  toCommand,
  validEntry,
} from './validation.js';

export const MAX_COMMANDS = 10_000;
const MAX_BATCH_BYTES = 4 * 1024 * 1024;
/** Of one command on its line, as of the body of a single one. */
const MAX_LINE_BYTES = 16 * 1024;

/** Commands that are checked and begun in one turn of the event loop. */
const SLICE = 500;

/** Of all bodies that are being read. It also bounds what is parsed from them, and the results. */
const BODIES_BYTES = 16 * 1024 * 1024;
/** What any request takes of that, however small. */
const LEAST_BYTES = 64 * 1024;

/** These say something about one command, so that leaving them out would mislead the client. */
const OF_ONE_COMMAND = ['Idempotency-Key', 'If-Match', 'If-None-Match'];

/**
 * `POST /batch`: many commands in one request, each decided on its own like a single one. The first
 * ones are appended while later ones are read.
 */
export const batchRoute = (options: BatchDeciderOptions): RequestHandler => {
  const bodies = createBudget(BODIES_BYTES);
  const beginBatch = createBatchDecider(options);
  const readArray = jsonBody({ limitBytes: MAX_BATCH_BYTES, types: BATCH_TYPES });

  const decideAll = async (request: BatchRequest): Promise<{ results: readonly string[] }> => {
    const { req, res } = request;
    const batch = beginBatch(request);
    try {
      const slices = isNdjson(req) ? readLines(req, LINES) : slicesOf(await arrayIn(req, res));
      for await (const slice of slices) {
        if (res.destroyed) break;
        const room = MAX_COMMANDS - batch.size();
        await batch.take(slice.slice(0, room));
        if (slice.length > room) throw TOO_MANY_COMMANDS;
      }
      return { results: await batch.results() };
    } catch (error) {
      throw withResults(error, await batch.results());
    }
  };

  const arrayIn = async (req: Request, res: Response): Promise<readonly unknown[]> => {
    await new Promise<void>((resolve, reject) => {
      readArray(req, res, (error?: unknown) => {
        if (error instanceof Error) reject(error);
        else resolve();
      });
    });
    const { body } = req as { readonly body: unknown };
    if (!Array.isArray(body)) throw NOT_AN_ARRAY;
    if (body.length > MAX_COMMANDS) throw TOO_MANY_COMMANDS;
    return body as readonly unknown[];
  };

  return async (req, res) => {
    const bytes = reservedBytesOf(req);
    await bodies.take(bytes);
    try {
      if (res.destroyed) return;
      const { results } = await traced(traceContextOf(res), 'Batch', {}, (traceparent) =>
        decideAll({ req, res, traceparent }),
      );
      sendJsonText(res, 200, `{"results":[${results.join()}]}`);
    } finally {
      bodies.give(bytes);
    }
  };
};

const LINES = { bytes: MAX_BATCH_BYTES, lineBytes: MAX_LINE_BYTES, together: SLICE };

const TOO_MANY_COMMANDS = new Problem(
  413,
  `A batch has at most ${MAX_COMMANDS.toLocaleString('en')} commands.`,
);
const NOT_AN_ARRAY = invalidBody([{ pointer: '', detail: 'The body must be a JSON array.' }]);

/** What the request takes of the memory for bodies. Refuses one that cannot be taken. */
const reservedBytesOf = (req: Request): number => {
  const header = OF_ONE_COMMAND.find((name) => req.get(name) !== undefined);
  if (header !== undefined) {
    throw new Problem(
      400,
      `The header ${header} is for a single command; a batch has ids instead.`,
    );
  }
  const declared = req.headers['content-length'];
  const isCompressed = req.headers['content-encoding'] !== undefined;
  if (declared === undefined || isCompressed) return MAX_BATCH_BYTES;
  if (Number(declared) > MAX_BATCH_BYTES) throw TOO_LARGE;
  return Math.max(LEAST_BYTES, Number(declared));
};

function* slicesOf(values: readonly unknown[]): Generator<Line[]> {
  for (let from = 0; from < values.length; from += SLICE) {
    yield values.slice(from, from + SLICE).map((value) => ({ value }));
  }
}

/** A client that sent too much must learn what was recorded nevertheless. */
const withResults = (error: unknown, results: readonly string[]): unknown => {
  if (!(error instanceof Problem) || results.length === 0) return error;
  const { status, detail, options } = error;
  const parsed = JSON.parse(`[${results.join()}]`) as unknown;
  return new Problem(
    status,
    `${detail} The first ${results.length} commands were decided: see results.`,
    { ...options, members: { results: parsed } },
  );
};

export interface BatchDeciderOptions {
  readonly handler: Pick<CommandHandler, 'handle'>;
  readonly fields: FieldsByKind;
  readonly now: () => Date;
  readonly logger: Logger;
}

/** The request that a batch came with. */
interface BatchRequest {
  readonly req: Request;
  readonly res: Response;
  readonly traceparent: string | undefined;
}

/** One batch while it is read. */
interface Batch {
  /** Begins the next commands, in order. Resolves in a later turn, once more may be begun. */
  take(lines: readonly Line[]): Promise<void>;
  /** Number of commands that were taken. */
  size(): number;
  /** The results in order, as JSON, once every command that was begun is decided. */
  results(): Promise<readonly string[]>;
}

/**
 * Commands of all batches that the handler has at the same time. They fill large appends, and are
 * fewer than may wait for one anime: batches wait at the client, and leave room for single commands.
 */
const UNDER_WAY = 1000;

/** Decides the commands of batches, each as its single route would. */
const createBatchDecider = (options: BatchDeciderOptions): ((request: BatchRequest) => Batch) => {
  const { handler, fields, now, logger } = options;
  const underWay = createBudget(UNDER_WAY);

  const begin = async (
    kind: InteractionKind,
    command: InteractionCommand,
    given: CommandOptions,
    request: BatchRequest,
  ): Promise<string> => {
    try {
      const result = await handler.handle(command, given);
      return JSON.stringify(batchResult(command, result, RECORDED[kind]));
    } catch (error) {
      return textOf(problemOfError(error, { ...request, logger }));
    } finally {
      underWay.give(1);
    }
  };

  return (request) => {
    const { req, res, traceparent } = request;
    const caller = callerOf(res);
    const ofRequest: CommandOptions = {
      correlationId: correlationIdOf(res),
      causationId: requestIdOf(res),
      ...(traceparent === undefined ? {} : { traceparent }),
    };
    const results: (string | Promise<string>)[] = [];

    const beginLine = (line: Line, at: string): string | Promise<string> => {
      const entry = 'problem' in line ? line : validEntry(line.value, fields);
      if ('problem' in entry) {
        underWay.give(1);
        return textOf(entry.problem);
      }
      const { kind, body, id } = entry;
      const command = toCommand(kind, body, at);
      const given =
        id === undefined
          ? ofRequest
          : {
              ...ofRequest,
              idempotencyKey: { caller, key: id, bodyHash: bodyHashOf(command) },
            };
      return begin(kind, command, given, request);
    };

    return {
      take: async (lines) => {
        // The request itself was counted as the first command.
        const first = results.length === 0 ? Math.min(1, lines.length) : 0;
        const allowed = first + (await countMore(req, res, lines.length - first));
        await underWay.take(allowed);
        // The client has disconnected.
        if (res.destroyed) {
          underWay.give(allowed);
          return;
        }
        const at = now().toISOString();
        for (const line of lines.slice(0, allowed)) results.push(beginLine(line, at));
        lines.slice(allowed).forEach(() => results.push(textOf(tooManyRequests(res))));
        await nextTurn();
      },
      size: () => results.length,
      results: async () => {
        const texts: string[] = [];
        for (const result of results) texts.push(await result);
        return texts;
      },
    };
  };
};

const textOf = (problem: Problem): string => JSON.stringify(problemDocument(problem));

/** A bounded amount of something that tasks share, such as bytes of memory. */
interface Budget {
  /** Resolves once `amount` is free, in the order of the calls. More than all of it counts as all. */
  take(amount: number): Promise<void>;
  give(amount: number): void;
}

const createBudget = (total: number): Budget => {
  const waiting: { readonly amount: number; readonly resolve: () => void }[] = [];
  let free = total;
  return {
    take: async (amount) => {
      const wanted = Math.min(amount, total);
      if (waiting.length === 0 && wanted <= free) {
        free -= wanted;
        return;
      }
      await new Promise<void>((resolve) => void waiting.push({ amount: wanted, resolve }));
    },
    give: (amount) => {
      free += Math.min(amount, total);
      for (let [next] = waiting; next !== undefined && next.amount <= free; [next] = waiting) {
        free -= next.amount;
        waiting.shift();
        next.resolve();
      }
    },
  };
};
