import type { Request, RequestHandler, Response } from 'express';
import { createBudget } from '../../platform/async/budget.js';
import { BATCH_TYPES, jsonBody } from '../../platform/http/json-body.js';
import { isNdjson, readLines, TOO_LARGE, type Line } from '../../platform/http/ndjson-body.js';
import { Problem } from '../../platform/http/problem.js';
import {
  createBatchDecider,
  type BatchDeciderOptions,
  type BatchRequest,
} from './batch-decider.js';
import { traceContextOf } from '../../platform/http/request-context.js';
import { sendJsonText } from './responses.js';
import { traced } from './tracing.js';
import { invalidBody } from './validation.js';

export const MAX_COMMANDS = 10_000;
const MAX_BATCH_BYTES = 4 * 1024 * 1024;
/** Of one command on its line, as of the body of a single one. */
const MAX_LINE_BYTES = 16 * 1024;

/** Commands that are checked and begun in one turn of the event loop. */
const SLICE = 500;

/** Of all bodies that are read at the same time. What they hold and their results follow from it. */
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
