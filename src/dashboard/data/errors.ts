/** Why there is no data, as far as a page treats it differently. */
export type Trouble = 'away' | 'starting' | 'key' | 'absent' | 'refused' | 'failed';

export class QueryError extends Error {
  override readonly name = 'QueryError';

  constructor(
    readonly trouble: Trouble,
    message: string,
  ) {
    super(message);
  }
}

export interface GraphqlError {
  readonly message: string;
  readonly path?: readonly (string | number)[];
  readonly extensions?: { readonly code?: unknown };
}

/** What a server answers for a field that it does not have: the service may be older than the page. */
const ABSENT = /^(Cannot query field|Unknown type|Unknown argument)/;
/** The same question again gets the same answer. */
const REFUSED_CODES = ['BAD_USER_INPUT', 'EVENTS_NOT_AVAILABLE'];
const NEEDS_KEY = ['UNAUTHENTICATED', 'FORBIDDEN'];

export const errorOf = (errors: readonly GraphqlError[]): QueryError => {
  const [first] = errors;
  const message = first?.message ?? 'The query failed.';
  const code = first?.extensions?.code;
  if (NEEDS_KEY.some((each) => each === code)) return new QueryError('key', message);
  if (ABSENT.test(message)) return new QueryError('absent', message);
  if (REFUSED_CODES.some((each) => each === code)) return new QueryError('refused', message);
  return new QueryError('failed', message);
};

/** The trouble behind the status of a response that is no GraphQL. */
export const errorOfStatus = (status: number, detail: string | undefined): QueryError => {
  if (status === 401 || status === 403) {
    return new QueryError('key', detail ?? 'An API key is required.');
  }
  if (status === 502 || status === 503 || status === 504) {
    return new QueryError('starting', detail ?? 'The service is not ready.');
  }
  if (status === 404) return new QueryError('absent', detail ?? 'The service does not have this.');
  return new QueryError('failed', detail ?? `The service answered with the status ${status}.`);
};
