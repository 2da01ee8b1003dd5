import { expect } from 'chai';
import type { LoadResult } from '../../bench/support/http-load.js';
import { steadyLoad } from '../../bench/support/steady-load-process.js';
import type { DashboardService } from './dashboard.js';

export const postJson = async (url: string, body: object): Promise<void> => {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });
  await response.arrayBuffer();
  expect(response.status, url).to.equal(201);
};

const titlesOf = async (url: string): Promise<readonly number[]> => {
  const response = await fetch(new URL('graphql', url), {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ query: '{ searchAnimes(pageSize: 100) { items { myanimelistId } } }' }),
  });
  const { data } = (await response.json()) as {
    readonly data: {
      readonly searchAnimes: { readonly items: readonly { readonly myanimelistId: number }[] };
    };
  };
  return data.searchAnimes.items.map(({ myanimelistId }) => myanimelistId);
};

/** The nth command of a mix of clicks, views and ratings; popular titles get most of them. */
const commandAt = (at: number, titles: readonly number[]): readonly [string, object] => {
  const share = ((at * 7919) % 1000) / 1000;
  const anime_id = titles[Math.floor(titles.length * share ** 3)];
  const user_id = `user ${at % 97}`;
  if (at % 5 === 3) return ['view', { anime_id, user_id, duration_seconds: 1440 }];
  if (at % 5 === 4) return ['rating', { anime_id, user_id, rating: 5 + (at % 6) }];
  return ['click', { anime_id, user_id }];
};

/** Sends this many commands as fast as they are answered, 32 at a time. */
export const sendActivity = async (
  { url, commandUrl }: Pick<DashboardService, 'url' | 'commandUrl'>,
  count: number,
): Promise<void> => {
  const titles = await titlesOf(url);
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) {
      const [path, body] = commandAt(next++, titles);
      await postJson(`${commandUrl}/${path}`, body);
    }
  };
  await Promise.all(Array.from({ length: 32 }, worker));
};

/** Sends commands at a steady rate from another process; resolves with what was answered. */
export const sendSteadily = async (
  { url, commandUrl }: Pick<DashboardService, 'url' | 'commandUrl'>,
  { perSecond, seconds }: { readonly perSecond: number; readonly seconds: number },
): Promise<LoadResult> => {
  const animes = await titlesOf(url);
  return steadyLoad({ port: Number(new URL(commandUrl).port), perSecond, seconds, animes });
};
