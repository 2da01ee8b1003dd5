import type { Interaction } from './workload.js';

/** One HTTP/1.1 request as it goes over the wire. */
export const rawRequest = (
  method: string,
  path: string,
  body?: string,
  headers: Readonly<Record<string, string>> = {},
): Buffer => {
  const lines = Object.entries({
    Host: 'localhost',
    ...(body === undefined
      ? {}
      : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) }),
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body ?? ''}`);
};

export const commandRequest = (
  interaction: Interaction,
  headers: Readonly<Record<string, string>> = {},
): Buffer => {
  const { kind } = interaction;
  return rawRequest('POST', `/${kind}`, JSON.stringify(bodyOf(interaction)), headers);
};

/** Many commands as one request. */
export const batchRequest = (interactions: readonly Interaction[]): Buffer => {
  const entries = interactions.map((each) => ({ type: each.kind, ...bodyOf(each) }));
  return rawRequest('POST', '/batch', JSON.stringify(entries));
};

const bodyOf = (interaction: Interaction) => {
  const { kind, animeId, userId } = interaction;
  return {
    anime_id: animeId,
    user_id: userId,
    ...(kind === 'view' ? { duration_seconds: interaction.durationSeconds } : {}),
    ...(kind === 'rating' ? { rating: interaction.rating } : {}),
  };
};

export const graphqlRequest = (
  query: string,
  variables: Readonly<Record<string, unknown>> = {},
): Buffer => rawRequest('POST', '/graphql', JSON.stringify({ query, variables }));

export const listRequest = (animeId: number): Buffer =>
  rawRequest('PUT', `/animes/${animeId}`, JSON.stringify({ title: `Anime ${animeId}` }));
