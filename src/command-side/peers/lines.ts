import type { Socket } from 'node:net';

/** Larger than any command or result. */
const MAX_LINE = 1024 * 1024;

/** One JSON value per line in both directions; revisions and positions keep their 64 bits. */
export interface Lines {
  readonly send: (value: unknown) => void;
}

/** A line that is too long, or an error of `receive`, ends the connection. */
export const openLines = (socket: Socket, receive: (value: unknown) => void): Lines => {
  let rest = '';
  let corked = false;
  const uncork = (): void => {
    corked = false;
    socket.uncork();
  };
  const take = (chunk: string): void => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > MAX_LINE) throw new Error('A line from a command API is too long.');
    for (const line of lines) receive(JSON.parse(line, revive));
  };
  socket.setNoDelay(true);
  socket.setEncoding('utf8');
  socket.on('data', (chunk: string) => {
    try {
      if (!socket.destroyed) take(chunk);
    } catch (error) {
      socket.destroy(error instanceof Error ? error : new Error('Not an error', { cause: error }));
    }
  });
  return {
    send: (value) => {
      if (!socket.writable) return;
      // Lines of one turn of the event loop go in one packet.
      if (!corked) {
        corked = true;
        socket.cork();
        setImmediate(uncork);
      }
      socket.write(`${JSON.stringify(value, replace)}\n`);
    },
  };
};

const BIGINT = '$bigint';

const replace = (_: string, value: unknown): unknown =>
  typeof value === 'bigint' ? { [BIGINT]: String(value) } : value;

const revive = (_: string, value: unknown): unknown => {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, BIGINT)) return value;
  return BigInt((value as Record<string, string>)[BIGINT] ?? '');
};
