import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto';

/** Changes with what is sent: command APIs of another protocol do not share commands. */
const PROTOCOL = 'anime-analytics-commands/1';

type Side = 'client' | 'server';

export interface Handshake {
  /** The first line that is sent. */
  readonly hello: unknown;
  /** The second, for the other's hello; throws where that is none. */
  proofFor(hello: unknown): unknown;
  /** The other's id; throws where it does not prove that it has the key. */
  verified(proof: unknown): string;
}

/**
 * Both sides prove that they have the key without sending it: each answers the other's nonce. What
 * is sent afterwards is plain text, as between the service and an event store without TLS.
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
      if (protocol !== PROTOCOL) throw new Error(`A command API does not speak ${PROTOCOL}.`);
      if (typeof otherId !== 'string' || typeof challenge !== 'string') throw malformed();
      other = otherId;
      return { proof: sign(side, id, challenge) };
    },
    verified: (given) => {
      const { proof } = fields(given);
      if (typeof proof !== 'string') throw malformed();
      const expected = sign(side === 'client' ? 'server' : 'client', other, nonce);
      if (!isSame(proof, expected)) throw new Error('A command API has another PEER_KEY.');
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
