import { Problem, problemDocument, type ProblemOptions } from '../../platform/http/problem.js';

interface ProblemExampleOptions extends Pick<ProblemOptions, 'kind' | 'errors' | 'members'> {
  /** Default: `/click`; null if the HTTP parser refuses, before there is a request. */
  readonly instance?: string | null;
}

/** An example of a problem, as the service sends it. */
export const problemExample = (
  status: number,
  detail: string,
  options: ProblemExampleOptions = {},
) => {
  const { instance = '/click', ...typed } = options;
  return {
    ...problemDocument(new Problem(status, detail, typed)),
    ...(instance === null ? {} : { instance, requestId: 'request-42' }),
  };
};
