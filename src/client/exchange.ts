import type { Environment } from './environment.js';
import { NoAnswerError, ProblemError, QueryFailedError } from './errors.js';
import type { SchemaProblem } from './generated/commands.js';

export interface ExchangeOptions {
  readonly apiKey: string | undefined;
  /** For one attempt. */
  readonly attemptTimeoutMs: number;
  /** For a call with all its attempts, unless the call says otherwise. */
  readonly timeoutMs: number;
}

export interface Request {
  readonly method: 'POST' | 'PUT' | 'DELETE';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** `keepalive` of fetch: a small request may outlive the page. */
  readonly keepalive?: boolean;
}

export interface CallOptions {
  /** Rejects with the signal's reason. A command may still have been recorded. */
  readonly signal?: AbortSignal;
  /** For the call with all its attempts. */
  readonly timeoutMs?: number;
}

export interface ServiceAnswer {
  readonly headers: Headers;
  readonly body: object;
  readonly retryAfterMs: number | undefined;
}

export interface ServiceExchange {
  /** Sends once. Rejects with ProblemError or NoAnswerError. */
  once(request: Request, signal?: AbortSignal): Promise<ServiceAnswer>;
  /** Retries until there is an answer or a permanent refusal, or the time-out passes. */
  repeated<T>(
    request: Request,
    options: CallOptions,
    read: (answer: ServiceAnswer) => T | Promise<T>,
  ): Promise<T>;
}

/** Requests with time-outs, typed errors and retries. */
export const createExchange = (
  options: ExchangeOptions,
  environment: Environment,
): ServiceExchange => {
  const { now, random, sleep } = environment;
  const key: Readonly<Record<string, string>> =
    options.apiKey === undefined ? {} : { Authorization: `Bearer ${options.apiKey}` };

  const fetchText = async (request: Request, signal: AbortSignal) => {
    const { url, headers, ...init } = request;
    const response = await environment.fetch(url, {
      ...init,
      headers: { ...headers, ...key },
      // The service uses no cookies.
      credentials: 'omit',
      signal,
    });
    return { response, text: await response.text() };
  };

  const once = async (request: Request, signal?: AbortSignal, timeoutMs = Infinity) => {
    signal?.throwIfAborted();
    const attempt = new AbortController();
    const stop = (): void => attempt.abort();
    signal?.addEventListener('abort', stop);
    const timer = setTimeout(stop, Math.min(timeoutMs, options.attemptTimeoutMs));
    try {
      const { response, text } = await fetchText(request, attempt.signal);
      return answerOf(response, text, now());
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof ProblemError || error instanceof NoAnswerError) throw error;
      const reason = attempt.signal.aborted ? 'No answer came in time.' : 'No answer came.';
      throw new NoAnswerError(reason, { cause: error });
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', stop);
    }
  };

  return {
    once,
    repeated: async (request, { signal, timeoutMs = options.timeoutMs }, read) => {
      const deadline = now() + timeoutMs;
      let unknown = false;
      for (let failures = 0; ; failures += 1) {
        try {
          return await read(await once(request, signal, deadline - now()));
        } catch (error) {
          unknown = isUnknown(error, unknown);
          if (error instanceof ProblemError) error.outcomeUnknown = unknown;
          const pause = pauseMs(failures, retryAfterOf(error), random);
          if (!isRetried(error) || now() + pause >= deadline) throw error;
          await sleep(pause, signal);
          signal?.throwIfAborted();
        }
      }
    },
  };
};

/** Parses the answer. Anything but JSON comes from a proxy. */
const answerOf = (response: Response, text: string, now: number): ServiceAnswer => {
  const { status, headers } = response;
  const body = jsonObjectOf(text);
  const retryAfterMs = parseRetryAfter(headers.get('Retry-After'), now);
  const isProblem = headers.get('Content-Type')?.startsWith('application/problem+json') === true;
  if (body !== undefined && !isProblem && (response.ok || 'errors' in body)) {
    return { headers, body, retryAfterMs };
  }
  if (response.ok) throw new NoAnswerError('The answer is not that of the service.');
  const detail = `The answer has the status ${status}.`;
  const unnamed = { type: 'about:blank', title: response.statusText, status, detail };
  throw new ProblemError(
    isProblem ? { ...unnamed, ...(body as Partial<SchemaProblem>) } : unnamed,
    retryAfterMs,
  );
};

const jsonObjectOf = (text: string): object | undefined => {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
};

const RETRIED_STATUSES: readonly number[] = [408, 409, 429, 502, 503, 504];
/** Problems with status 503 that only an operator can solve: not retried. */
const FOR_AN_OPERATOR: readonly string[] = [
  'urn:problem-type:stream-unreadable',
  'urn:problem-type:stream-truncated',
  'urn:problem-type:event-store-access-denied',
];
const RETRIED_CODES: readonly (string | undefined)[] = [
  'STALE_READ',
  'NOT_READY',
  'SERVICE_UNAVAILABLE',
];

/** Whether a retry may succeed. Commands are retried with the same key. */
export const isRetried = (error: unknown): boolean => {
  if (error instanceof NoAnswerError) return true;
  if (error instanceof QueryFailedError) return RETRIED_CODES.includes(error.code);
  return (
    error instanceof ProblemError &&
    RETRIED_STATUSES.includes(error.status) &&
    !FOR_AN_OPERATOR.includes(error.type)
  );
};

/** The service checks the key before it sends these, so no earlier attempt was recorded. */
const DECIDED: readonly number[] = [404, 410, 412, 422];

/** Whether a command may have been recorded, by this attempt or an earlier one. */
export const isUnknown = (error: unknown, before: boolean): boolean => {
  if (error instanceof NoAnswerError) return true;
  if (!(error instanceof ProblemError)) return before;
  return error.outcomeUnknown || (before && !DECIDED.includes(error.status));
};

const FIRST_REPEAT_MS = 200;
const LONGEST_REPEAT_MS = 30_000;

/**
 * Exponential backoff with jitter, added to Retry-After, so that clients that failed together do not
 * retry together.
 */
export const pauseMs = (
  failures: number,
  retryAfterMs: number | undefined,
  random: () => number,
): number =>
  (retryAfterMs ?? 0) + random() * Math.min(LONGEST_REPEAT_MS, FIRST_REPEAT_MS * 2 ** failures);

export const retryAfterOf = (error: unknown): number | undefined =>
  error instanceof ProblemError ? error.retryAfterMs : undefined;

/** In milliseconds. The header contains seconds or a date. */
const parseRetryAfter = (header: string | null, now: number): number | undefined => {
  if (header === null) return undefined;
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now;
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
};
