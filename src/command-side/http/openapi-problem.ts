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

const erased = (events: number, streams: readonly string[]) => ({
  status: 'ok',
  message: 'The user is forgotten.',
  notErased: { events, streams },
});

export const USER_RESPONSES = {
  erased: erased(0, []),
  erasedInPart: erased(2, ['anime-1']),
};

const instance = '/users/user123';

export const USER_PROBLEMS = {
  'user-id-not-readable': problemExample(
    400,
    'The id in the path must be 1 to 128 well-formed characters, not blank, without control characters.',
    { instance: '/users/%20' },
  ),
  'user-ids-not-protected': problemExample(
    501,
    'This service keeps user ids in plain text, which cannot be erased: USER_ID_PROTECTION=encrypt changes that for new events.',
    { kind: 'user-ids-not-protected', instance },
  ),
  'not-erased': problemExample(503, 'The user may not be forgotten yet: send the request again.', {
    kind: 'not-erased',
    instance,
  }),
};
