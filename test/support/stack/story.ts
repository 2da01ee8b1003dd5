import { randomInt } from 'node:crypto';
import { expect } from 'chai';
import { eventually } from '../eventually.js';
import { query, send } from '../http-client.js';
import type { FourProcesses } from './four-processes.js';

/** Ids that no other run of the tests has used on a server that keeps its log. */
export const freshAnimeIds = (count: number): readonly number[] => {
  const first = randomInt(1_000_000_000, 2_147_000_000);
  return Array.from({ length: count }, (_, index) => first + index);
};

export const list = async (commandUrl: string, animeIds: readonly number[]): Promise<void> => {
  for (const animeId of animeIds) {
    const { status } = await send('PUT', `${commandUrl}/animes/${animeId}`, {
      title: `Title ${animeId}`,
    });
    expect(status).to.equal(201);
  }
};

const STATS = `query Stats($animeId: Int!, $minRevision: String) {
  animeStats(animeId: $animeId, minRevision: $minRevision) {
    totalClicks totalViews totalRatings averageRating totalDurationSeconds
  }
}`;

export const statsOf = async (
  queryUrl: string,
  animeId: number,
  minRevision?: unknown,
): Promise<unknown> => (await query(queryUrl, STATS, { animeId, minRevision })).animeStats;

interface Urls {
  readonly commandUrl: string;
  readonly queryUrl: string;
}

/** Sends a click and waits for an answer of the query API that includes it. */
export const readBack = async (urls: Urls, animeId: number, withinMs = 30_000): Promise<void> => {
  const click = { anime_id: animeId, user_id: 'witness' };
  const revision = await eventually(
    async () => {
      const { status, body } = await send('POST', `${urls.commandUrl}/click`, click);
      if (status !== 201) throw new Error(`The command API answers ${status}.`);
      return body['revision'];
    },
    { withinMs, everyMs: 100 },
  );
  await eventually(() => statsOf(urls.queryUrl, animeId, revision), { withinMs, everyMs: 100 });
};

/** A command that is sent now is in the answers of the query API within the time. */
export const expectMoving = (stack: FourProcesses, animeId: number): Promise<void> =>
  readBack({ commandUrl: stack.commandUrl(), queryUrl: stack.queryUrl() }, animeId);

/** The documents equal a fold of the log, by the service's own command. */
export const expectAuditClean = async (
  stack: FourProcesses,
  ...version: readonly string[]
): Promise<void> => {
  const { code, output, errors } = await stack.job('audit', ...version);
  expect(code, output + errors).to.equal(0);
};
