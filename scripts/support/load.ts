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
 * Sends so many requests over 64 connections, adding to `sent`. Ends early, without an error, when
 * the server hangs up. Answers how many were begun.
 */
export const send = async (
  port: number,
  next: () => Buffer,
  count: number,
  sent: Sent,
): Promise<number> => {
  let begun = 0;
  const drive = async (connection: Connection): Promise<void> => {
    while (begun < count) {
      begun += 1;
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
