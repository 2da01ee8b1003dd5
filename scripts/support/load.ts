import { setTimeout as delay } from 'node:timers/promises';
import { batchRequest, commandRequest } from '../../bench/support/http-request.js';
import { createWorkload, type Interaction } from '../../bench/support/workload.js';
import { openConnection, type Connection } from '../../bench/support/http-connection.js';

export interface Sent {
  /** Event ids of commands that were answered 201. */
  readonly acknowledged: string[];
  /** Commands whose answer never came: stored or not, both are right. */
  unanswered: number;
  readonly statuses: Record<number, number>;
}

export const nothingSent = (): Sent => ({ acknowledged: [], unanswered: 0, statuses: {} });

const EVENT_ID = /"eventId":"([^"]+)"/g;

/** A command, or several as one batch. */
export interface LoadRequest {
  readonly request: Buffer;
  readonly commands: number;
}

/**
 * Sends about so many commands over 64 connections, adding to `sent`: so many a second, or as fast as
 * they are answered where `perSecond` is 0. Ends early, without an error, when the server hangs up.
 * Answers how many were begun.
 */
export const send = async (
  port: number,
  next: () => LoadRequest,
  count: number,
  sent: Sent,
  perSecond = 0,
): Promise<number> => {
  const startedAt = performance.now();
  let begun = 0;
  /** Resolves when the next one is due; at once where there is no rate. */
  const due = async (): Promise<void> => {
    if (perSecond === 0) return;
    const wait = startedAt + (begun * 1000) / perSecond - performance.now();
    if (wait > 0) await delay(wait);
  };
  const drive = async (connection: Connection): Promise<void> => {
    while (begun < count) {
      const turn = due();
      const { request, commands } = next();
      begun += commands;
      await turn;
      try {
        const { status, body } = await connection.send(request);
        sent.statuses[status] = (sent.statuses[status] ?? 0) + 1;
        // Of a batch, only the results of commands that were recorded name an event.
        const recorded = status === 200 || status === 201 ? body.matchAll(EVENT_ID) : [];
        for (const [, id = ''] of recorded) sent.acknowledged.push(id);
      } catch {
        sent.unanswered += commands;
        return;
      }
    }
  };
  const connections = await Promise.all(Array.from({ length: 64 }, () => openConnection(port)));
  await Promise.all(connections.map(drive));
  for (const connection of connections) connection.close();
  return begun;
};

/** One request of so many is a batch, of so many commands. */
const BATCHES = 10;
const TOGETHER = 10;

/** Endless single commands and batches; the workload's ranks stand for these anime. */
export const singlesAndBatches = (ids: readonly number[]): (() => LoadRequest) => {
  const workload = createWorkload({ seed: 1, popularity: 'zipf', animes: ids.length });
  const interaction = (): Interaction => {
    const next = workload();
    return { ...next, animeId: ids[next.animeId - 1] ?? 1 };
  };
  let requests = 0;
  return () => {
    requests += 1;
    if (requests % BATCHES !== 0) return { request: commandRequest(interaction()), commands: 1 };
    const together = Array.from({ length: TOGETHER }, interaction);
    return { request: batchRequest(together), commands: TOGETHER };
  };
};
