import { STATUS_CODES } from 'node:http';
import type { Request, Response } from 'express';
import { externalPathOf, requestIdOf } from './request-context.js';

/** An invalid field: a JSON pointer into the body, and a sentence. */
export interface FieldProblem {
  readonly pointer: string;
  readonly detail: string;
}

export interface ProblemOptions {
  /** A kind that the status alone does not express, such as `outcome-unknown`. */
  readonly kind?: string;
  readonly errors?: readonly FieldProblem[];
  readonly headers?: Readonly<Record<string, string>>;
  /** Further members of the document, as RFC 9457 allows them. */
  readonly members?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
}

/** An error response. Its detail is a sentence for a person, without secrets. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly detail: string,
    readonly options: ProblemOptions = {},
  ) {
    super(detail, 'cause' in options ? { cause: options.cause } : {});
    this.name = 'Problem';
  }
}

const PROBLEM_TYPE_PREFIX = 'urn:problem-type:';
export const PROBLEM_MEDIA_TYPE = 'application/problem+json';

/** The document of RFC 9457, without the members that need a request. */
export const problemDocument = ({ status, detail, options }: Problem) => {
  const { kind, errors, members } = options;
  return {
    type: kind === undefined ? 'about:blank' : `${PROBLEM_TYPE_PREFIX}${kind}`,
    title: kind === undefined ? (STATUS_CODES[status] ?? 'Error') : titleOf(kind),
    status,
    detail,
    ...members,
    ...(errors === undefined ? {} : { errors }),
  };
};

const titleOf = (kind: string): string => {
  const words = kind.replaceAll('-', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
};

export const sendProblem = (req: Request, res: Response, problem: Problem): void => {
  const body = JSON.stringify({
    ...problemDocument(problem),
    instance: externalPathOf(req),
    requestId: requestIdOf(res),
  });
  for (const [name, value] of Object.entries(problem.options.headers ?? {})) {
    res.setHeader(name, value);
  }
  res.statusCode = problem.status;
  res.setHeader('Content-Type', PROBLEM_MEDIA_TYPE);
  res.setHeader('Content-Length', Buffer.byteLength(body));
  res.setHeader('Cache-Control', 'no-store');
  res.end(body);
};
