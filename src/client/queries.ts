import { NoAnswerError, QueryFailedError, type QueryProblem } from './errors.js';
import type { CallOptions, ServiceAnswer, ServiceExchange } from './exchange.js';
import type { Revisions } from './commands.js';

/**
 * Queries the query API. A waiting operation gets the last acknowledged revision of its anime as
 * `minRevision`, so that the answer includes this client's commands. The variables override it; null
 * does not wait.
 */
export type Query = <Data, Variables extends object>(
  operation: Operation<Data, Variables>,
  variables: Variables,
  options?: CallOptions,
) => Promise<Data>;

export const createQuery = (
  base: string | undefined,
  exchange: ServiceExchange,
  revisions: Revisions,
): Query => {
  const withRevision = (operation: { readonly waits: boolean }, variables: object): object => {
    const { animeId, minRevision } = variables as { animeId?: unknown; minRevision?: unknown };
    if (!operation.waits || minRevision !== undefined || typeof animeId !== 'number') {
      return variables;
    }
    const revision = revisions.of(animeId);
    return revision === undefined ? variables : { ...variables, minRevision: revision };
  };

  return async <Data, Variables extends object>(
    operation: Operation<Data, Variables>,
    variables: Variables,
    options: CallOptions = {},
  ): Promise<Data> => {
    if (base === undefined) throw new TypeError('The client was made without `queries`.');
    const body = { query: operation.text, variables: withRevision(operation, variables) };
    const request = {
      method: 'POST' as const,
      url: `${base}graphql`,
      headers: { 'Content-Type': 'application/json', Accept: 'application/json' },
      body: JSON.stringify(body),
    };
    return exchange.repeated(request, options, (answer) => dataOf(answer) as Data);
  };
};

const dataOf = ({ body }: ServiceAnswer): object => {
  const { data, errors } = body as { data?: object | null; errors?: readonly QueryProblem[] };
  if (errors !== undefined) throw new QueryFailedError(errors, data ?? undefined);
  if (data === undefined || data === null) {
    throw new NoAnswerError('The answer is not that of the service.');
  }
  return data;
};

/** A query with the types of its answer and variables. */
export interface Operation<Answer, Variables> {
  readonly text: string;
  /** Whether it waits for the client's last acknowledged command on the anime. */
  readonly waits: boolean;
  /** Never set: carries the types. */
  readonly types?: (variables: Variables) => Answer;
}
