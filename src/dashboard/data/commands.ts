import { keyHeaders } from './base.js';
import { ask } from './graphql.js';
import { ANIME_STATS_QUERY, type Stats } from './queries.js';

/** The user under whose name the buttons of the page send. */
export const DEMO_USER = 'dashboard-demo';

export type Demo =
  | { readonly path: 'click' }
  | { readonly path: 'view'; readonly duration_seconds: number }
  | { readonly path: 'rating'; readonly rating: number };

export interface CommandOutcome {
  readonly revision: string;
  /** From sending the command to its response. */
  readonly answeredMs: number;
  /** From the response until a query showed the revision. */
  readonly shownMs: number;
  readonly stats: Stats | null;
}

/** Sends a command to the command API and waits until the statistics include it. */
export const sendDemo = async (
  commands: string,
  animeId: number,
  { path, ...more }: Demo,
  signal: AbortSignal,
): Promise<CommandOutcome> => {
  const sent = performance.now();
  const response = await fetch(`${commands}/${path}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...keyHeaders() },
    body: JSON.stringify({ anime_id: animeId, user_id: DEMO_USER, ...more }),
    signal,
  });
  const body = (await response.json()) as { readonly revision?: string; readonly detail?: string };
  const answered = performance.now();
  if (!response.ok || body.revision === undefined) {
    throw new Error(body.detail ?? `The command API answered with the status ${response.status}.`);
  }
  const { revision } = body;
  const { animeStats } = await ask<{ animeStats: Stats | null }>(
    ANIME_STATS_QUERY,
    { animeId, minRevision: revision },
    signal,
  );
  const shownMs = performance.now() - answered;
  return { revision, answeredMs: answered - sent, shownMs, stats: animeStats };
};
