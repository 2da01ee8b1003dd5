import { setTimeout as delay } from 'node:timers/promises';
import { openConnection, type Connection } from '../../bench/support/http-connection.js';

export interface Sent {
  /** Event ids of commands that were answered 201. */
  readonly acknowledged: string[];
  /** Commands whose answer never came: stored or not, both are right. */
  unanswered: number;
  readonly statuses: Record<number, number>;
}

export const nothingSent = (): Sent => ({ acknowledged: [], unanswered: 0, statuses: {} });

const EVENT_ID = /"eventId":"([^"]+)"/;

/**
 * Sends so many requests over 64 connections, adding to `sent`: so many a second, or as fast as they
 * are answered where `perSecond` is 0. Ends early, without an error, when the server hangs up. Answers
 * how many were begun.
 */
export const send = async (
  port: number,
  next: () => Buffer,
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
      begun += 1;
      await turn;
      try {
        const { status, body } = await connection.send(next());
        sent.statuses[status] = (sent.statuses[status] ?? 0) + 1;
        const id = EVENT_ID.exec(body)?.[1];
        if (status === 201 && id !== undefined) sent.acknowledged.push(id);
      } catch {
        sent.unanswered += 1;
        return;
      }
    }
  };
  const connections = await Promise.all(Array.from({ length: 64 }, () => openConnection(port)));
  await Promise.all(connections.map(drive));
  for (const connection of connections) connection.close();
  return begun;
};
