import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto';

/** Changes with the format of messages: command APIs share commands only with the same protocol. */
const PROTOCOL = 'anime-analytics-commands/1';

type Side = 'client' | 'server';

export interface Handshake {
  /** The first line to send. */
  readonly hello: unknown;
  /** The second line, in response to the other side's hello. Throws if that is malformed. */
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
      if (typeof otherId !== 'string' || typeof challenge !== 'string') throw malformed();
      other = otherId;
      return { proof: sign(side, id, challenge) };
    },
    verified: (given) => {
      const { proof } = fields(given);
      if (typeof proof !== 'string') throw malformed();
      const expected = sign(side === 'client' ? 'server' : 'client', other, nonce);
      if (!isSame(proof, expected))
        throw new Error('Another command API has a different PEER_KEY.');
      return other;
    },
  };
};

const fields = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};

const malformed = (): Error => new Error('A connection to PEER_PORT is not from a command API.');

const isSame = (given: string, expected: string): boolean => {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
};
