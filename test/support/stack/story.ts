import { randomInt } from 'node:crypto';
import { expect } from 'chai';
import { eventually } from '../eventually.js';
import { query, send } from '../http-client.js';
import { storedIds } from '../stored-ids.js';
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

/** What was sent, by anime: the ids of the events that were acknowledged. */
export type Acknowledged = Map<number, string[]>;

export interface Load {
  readonly acknowledged: Acknowledged;
  /** How many commands were acknowledged so far. */
  count(): number;
  /** Sends no more, and resolves when what is under way has its answer. */
  finish(): Promise<void>;
}

const CLIENTS = 8;
const AT_MOST = 100_000;

/**
 * Clients that go on sending clicks, views and ratings until they are told to finish, whatever
 * happens to the servers: an answer that never comes is neither acknowledged nor sent again.
 */
export const startLoad = (
  commandUrl: () => string,
  animeIds: readonly number[],
  clients = CLIENTS,
): Load => {
  const acknowledged: Acknowledged = new Map(animeIds.map((id) => [id, []]));
  let finished = false;
  let sent = 0;
  const client = async (number: number): Promise<void> => {
    for (let index = 0; index < AT_MOST && !finished; index += 1) {
      const animeId = animeIds[(index * clients + number) % animeIds.length] ?? 0;
      const [path, more] = KINDS[index % KINDS.length] ?? ['click', {}];
      const body = { anime_id: animeId, user_id: `user-${number}-${index % 50}`, ...more };
      try {
        const answer = await send('POST', `${commandUrl()}/${path}`, body);
        if (answer.status !== 201) continue;
        acknowledged.get(animeId)?.push(String(answer.body['eventId']));
        sent += 1;
      } catch {
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
  };
  const sending = Promise.all(Array.from({ length: clients }, (_, number) => client(number)));
  return {
    acknowledged,
    count: () => sent,
    finish: async () => {
      finished = true;
      await sending;
    },
  };
};

const KINDS: readonly (readonly [string, Readonly<Record<string, unknown>>])[] = [
  ['click', {}],
  ['view', { duration_seconds: 1440 }],
  ['rating', { rating: 8.5 }],
  ['click', {}],
];

/** Resolves once so many more commands are acknowledged. */
export const sendSome = (load: Load, more: number, withinMs = 30_000): Promise<void> => {
  const before = load.count();
  return eventually(
    () => {
      if (load.count() < before + more) throw new Error(`Only ${load.count() - before} were sent.`);
    },
    { withinMs },
  );
};

/** Every acknowledged event is in its stream, once. */
export const expectStoredOnce = async (
  commandUrl: string,
  acknowledged: Acknowledged,
): Promise<void> => {
  for (const [animeId, ids] of acknowledged) {
    const stored = await storedIds(commandUrl, animeId);
    expect(new Set(stored).size, `anime ${animeId} has an event twice`).to.equal(stored.length);
    expect(stored, `anime ${animeId} lost an event`).to.include.members(ids);
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

/** A command that is sent now is in the answers of the query API within the time. */
export const expectMoving = async (
  stack: FourProcesses,
  animeId: number,
  withinMs = 30_000,
): Promise<void> => {
  const click = { anime_id: animeId, user_id: 'witness' };
  const revision = await eventually(
    async () => {
      const { status, body } = await send('POST', `${stack.commandUrl()}/click`, click);
      if (status !== 201) throw new Error(`The command API answers ${status}.`);
      return body['revision'];
    },
    { withinMs, everyMs: 100 },
  );
  await eventually(() => statsOf(stack.queryUrl(), animeId, revision), { withinMs, everyMs: 100 });
};

/** The documents equal a fold of the log, by the service's own command. */
export const expectAuditClean = async (
  stack: FourProcesses,
  ...version: readonly string[]
): Promise<void> => {
  const { code, output, errors } = await stack.job('audit', ...version);
  expect(code, output + errors).to.equal(0);
};
