import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto';
import type { Socket } from 'node:net';

/** Changes with the format of messages: command APIs share commands only with the same protocol. */
const PROTOCOL = 'anime-analytics-commands/2';

type Side = 'client' | 'server';

export interface Handshake {
  /** The first line to send. */
  readonly hello: unknown;
  /** The second line, in response to the other side's hello. Throws if that is notACommandApi. */
  proofFor(hello: unknown): unknown;
  /** Returns the other side's id; throws if it does not prove that it has the key. */
  verified(proof: unknown): string;
}

/**
 * Both sides prove that they have the key without sending it: each signs the other's nonce.
 * Commands are then sent in plain text, as to an event store without TLS.
 */
export const createHandshake = (side: Side, id: string, key: string): Handshake => {
  const nonce = randomUUID();
  let other = '';
  const sign = (by: Side, signedId: string, challenge: string): string =>
    createHmac('sha256', key)
      .update(JSON.stringify([PROTOCOL, by, signedId, challenge]))
      .digest('hex');
  return {
    hello: { protocol: PROTOCOL, id, nonce },
    proofFor: (hello) => {
      const { protocol, id: otherId, nonce: challenge } = fields(hello);
      if (protocol !== PROTOCOL)
        throw new Error(
          `Another command API does not speak ${PROTOCOL}: run the same release on both.`,
        );
      if (typeof otherId !== 'string' || typeof challenge !== 'string') throw notACommandApi();
      other = otherId;
      return { proof: sign(side, id, challenge) };
    },
    verified: (given) => {
      const { proof } = fields(given);
      if (typeof proof !== 'string') throw notACommandApi();
      const expected = sign(side === 'client' ? 'server' : 'client', other, nonce);
      if (!isSameProof(proof, expected))
        throw new Error('Another command API has a different PEER_KEY.');
      return other;
    },
  };
};

const fields = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};

const notACommandApi = (): Error =>
  new Error('A connection to PEER_PORT is not from a command API.');

const isSameProof = (given: string, expected: string): boolean => {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
};

/** Larger than any command or result. */
const MAX_PEER_LINE = 1024 * 1024;

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
    if (rest.length > MAX_PEER_LINE) throw new Error('A line from a command API is too long.');
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
