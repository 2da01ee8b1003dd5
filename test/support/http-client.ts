/** A JSON answer with what a test asserts of it. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

export const send = async (
  method: string,
  url: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> => {
  const response = await fetch(url, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>,
  };
};

/** The data of a GraphQL query; throws where there are errors. */
export const query = async (
  url: string,
  document: string,
  variables: Record<string, unknown> = {},
): Promise<Record<string, unknown>> => {
  const { body } = await send('POST', url, { query: document, variables });
  if (body['errors'] !== undefined) throw new Error(JSON.stringify(body['errors']));
  return body['data'] as Record<string, unknown>;
};
