import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Request, Response } from 'express';
import type { InteractionCommand } from '../../domain/commands.js';
import { createBudget } from '../../platform/async/budget.js';
import { callerOf } from '../../platform/http/api-key.js';
import type { Line } from '../../platform/http/ndjson-body.js';
import { type Problem, problemDocument, problemOfError } from '../../platform/http/problem.js';
import { countMore, tooManyRequests } from '../../platform/http/rate-limit.js';
import { correlationIdOf, requestIdOf } from '../../platform/http/request-context.js';
import type { Logger } from '../../platform/observability/logger.js';
import type { CommandOptions } from '../../ports/command-result.js';
import type { CommandHandler } from '../handling/handler.js';
import { bodyHashOf } from '../handling/queued-command.js';
import { RECORDED, toCommand } from './interactions.js';
import { batchResult } from './responses.js';
import { type FieldsByKind, type InteractionKind, validEntry } from './validation.js';

export interface BatchDeciderOptions {
  readonly handler: Pick<CommandHandler, 'handle'>;
  readonly fields: FieldsByKind;
  readonly now: () => Date;
  readonly logger: Logger;
}

/** The request that a batch came with. */
export interface BatchRequest {
  readonly req: Request;
  readonly res: Response;
  readonly traceparent: string | undefined;
}

/** One batch while it is read. */
export interface Batch {
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
export const createBatchDecider = (
  options: BatchDeciderOptions,
): ((request: BatchRequest) => Batch) => {
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
        // Nobody is left to hear of these.
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
