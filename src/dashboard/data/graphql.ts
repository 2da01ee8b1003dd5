import { keyHeaders, urlOf } from './base.js';
import { errorOf, errorOfStatus, type GraphqlError, QueryError } from './errors.js';
import { reachable, unreachable } from './connection.js';

export type Variables = Readonly<Record<string, unknown>>;

const TIMEOUT_MS = 10_000;

interface Answer<T> {
  readonly data?: T | null;
  readonly errors?: readonly GraphqlError[];
}

/** Asks the query API. Rejects with a QueryError; answers with data although parts of it failed. */
export const ask = async <T>(
  query: string,
  variables: Variables,
  signal: AbortSignal,
): Promise<T> => {
  const response = await request(urlOf('graphql'), {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Accept: 'application/json', ...keyHeaders() },
    body: JSON.stringify({ query, variables }),
    signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
  });
  const { data, errors = [] } = (await jsonOf(response)) as Answer<T>;
  if (errors.length > 0 && (data === null || data === undefined || isAllNull(data))) {
    throw errorOf(errors);
  }
  if (data === null || data === undefined) throw errorOfStatus(response.status, undefined);
  return data;
};

/** A query for one field that failed has an object with null in it. */
const isAllNull = (data: object): boolean => Object.values(data).every((value) => value === null);

/** Fetches, and notes for the whole page whether the server could be reached. */
export const request = async (url: string, init: RequestInit): Promise<Response> => {
  try {
    const response = await fetch(url, init);
    reachable();
    return response;
  } catch (error) {
    if (init.signal?.aborted === true && !isTimeout(init.signal.reason)) throw error;
    unreachable();
    throw new QueryError('away', 'The service cannot be reached.');
  }
};

const isTimeout = (reason: unknown): boolean =>
  reason instanceof DOMException && reason.name === 'TimeoutError';

/** The body of a response: of GraphQL, or of a problem, which is thrown. */
const jsonOf = async (response: Response): Promise<unknown> => {
  const isProblem = response.headers.get('content-type')?.includes('problem+json') ?? false;
  try {
    const body: unknown = await response.json();
    if (!isProblem) return body;
    const { detail } = body as { readonly detail?: string };
    throw errorOfStatus(response.status, detail);
  } catch (error) {
    if (error instanceof QueryError) throw error;
    throw errorOfStatus(response.status === 200 ? 502 : response.status, undefined);
  }
};
