import { Agent, request } from 'node:http';

/** The overview page without a browser: its subscription, and its queries as often as it asks. */
export interface DashboardClient {
  /** How much it was sent so far. */
  received(): { readonly answers: number; readonly messages: number };
  close(): void;
}

const STATS =
  'animeId title image totalClicks totalViews totalRatings averageRating totalDurationSeconds';
const SHORT =
  'myanimelistId title image type episodes score popularity genres totalClicks totalViews totalRatings averageRating';
const EVENT = 'stream type revision position time animeId';
const TYPES =
  '["ClickRegistered", "ViewRegistered", "RatingGiven", "AnimeListed", "AnimeDetailsRevised", "AnimeDelisted"]';
const ACTIVITY = '{ activity { day clicks views seconds ratings } }';
const SPARKLINES = `{ ${Array.from(
  { length: 10 },
  (_, index) => `a${index + 1}: animeActivity(animeId: ${index + 1}) { views ratings }`,
).join(' ')} }`;

/** Each panel asks for itself, and again so many milliseconds after its answer. */
const QUERIES: readonly (readonly [query: string, everyMs: number])[] = [
  ['{ searchAnimes(pageSize: 1) { total } }', 10_000],
  [ACTIVITY, 2000],
  [ACTIVITY, 5000],
  [
    '{ pipeline { rates { commands published documents queries } readModels { state lagEvents lagSeconds } } }',
    2000,
  ],
  ['{ serviceInfo { version role readModels lagEvents lagSeconds } }', 2000],
  [`{ topAnimesByViews(limit: 10) { ${STATS} } }`, 2000],
  [`{ topAnimesByRating(limit: 10) { ${STATS} } }`, 2000],
  [`{ trendingAnimes(limit: 10, days: 7) { ${SHORT} } }`, 5000],
  [
    `{ log(limit: 12, types: ${TYPES}) { edges { node { ${EVENT} } cursor } pageInfo { hasNextPage endCursor } } }`,
    10_000,
  ],
  [SPARKLINES, 15_000],
  [SPARKLINES, 15_000],
];
const HEALTH_EVERY_MS = 3000;
const SUBSCRIPTION = `subscription { events(types: ${TYPES}, newest: 12) { ${EVENT} } }`;

/** Opens what one tab on the overview opens, over at most six connections, as a browser does. */
export const openDashboard = (port: number): DashboardClient => {
  const agent = new Agent({ keepAlive: true, maxSockets: 6 });
  const timers = new Set<NodeJS.Timeout>();
  let closed = false;
  let answers = 0;
  let messages = 0;

  const send = (
    path: string,
    body: object | null,
    onData: (text: string) => void,
    onEnd: (status: number) => void,
  ): void => {
    const sent = request(
      {
        agent,
        port,
        path,
        host: '127.0.0.1',
        method: body === null ? 'GET' : 'POST',
        headers: { 'Content-Type': 'application/json', 'Accept-Encoding': 'gzip' },
      },
      (response) => {
        response.on('data', (chunk: Buffer) => onData(chunk.toString('latin1')));
        response.on('end', () => onEnd(response.statusCode ?? 0));
        response.on('error', () => undefined);
      },
    );
    sent.on('error', () => onEnd(0));
    sent.end(body === null ? undefined : JSON.stringify(body));
  };

  const poll = (path: string, body: object | null, everyMs: number): void =>
    send(
      path,
      body,
      () => undefined,
      (status) => {
        if (closed) return;
        if (status === 200) answers += 1;
        const timer = setTimeout(() => {
          timers.delete(timer);
          poll(path, body, everyMs);
        }, everyMs);
        timers.add(timer);
      },
    );

  send(
    '/graphql/stream',
    { query: SUBSCRIPTION },
    (text) => (messages += text.split('event: next').length - 1),
    () => undefined,
  );
  for (const [query, everyMs] of QUERIES) poll('/graphql', { query }, everyMs);
  poll('/health', null, HEALTH_EVERY_MS);
  return {
    received: () => ({ answers, messages }),
    close: () => {
      closed = true;
      for (const timer of timers) clearTimeout(timer);
      agent.destroy();
    },
  };
};
