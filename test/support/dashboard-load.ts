import { expect } from 'chai';
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

/** Sends commands at a steady rate until the time is over; returns how many were answered. */
export const sendSteadily = async (
  { url, commandUrl }: Pick<DashboardService, 'url' | 'commandUrl'>,
  { perSecond, forMs }: { readonly perSecond: number; readonly forMs: number },
): Promise<number> => {
  const titles = await titlesOf(url);
  const started = performance.now();
  let next = 0;
  const worker = async (): Promise<void> => {
    for (;;) {
      const at = next++;
      const due = (at / perSecond) * 1000;
      if (due > forMs) return;
      const early = due - (performance.now() - started);
      if (early > 0) await new Promise((resolve) => setTimeout(resolve, early));
      // Behind on a busy machine: what is late is left out.
      if (performance.now() - started > forMs) return;
      const [path, body] = commandAt(at, titles);
      await postJson(`${commandUrl}/${path}`, body);
    }
  };
  await Promise.all(Array.from({ length: 48 }, worker));
  return next;
};
