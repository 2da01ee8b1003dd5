import { createHash } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import type { AnimeCommand } from '../../domain/commands.js';
import type { AnimeId } from '../../domain/ids.js';
import type { CommandOptions, CommandResult } from '../../ports/command-result.js';
import { HANDLING_FAILED, NOT_TAKEN, PING, type ResultLine } from './peer-server.js';
import { createHandshake, openLines } from './protocol.js';

/** The hash of a member's id, for rendezvous hashing. */
export const seedOf = (memberId: string): number =>
  createHash('sha256').update(memberId).digest().readInt32LE(0);

/**
 * The owner of an anime by rendezvous hashing: processes with the same
 * members agree on it, and a member that joins or leaves moves only its own anime.
 */
export const ownerAmong = <Member extends { readonly seed: number }>(
  members: Iterable<Member>,
  animeId: AnimeId,
): Member | undefined => {
  let owner: Member | undefined;
  let best = -1;
  for (const member of members) {
    const score = mixed(member.seed ^ mixed(animeId));
    if (score > best) [owner, best] = [member, score];
  }
  return owner;
};

/** The finalizer of MurmurHash3: every bit of the input changes every bit of the output. */
const mixed = (value: number): number => {
  let hash = value | 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
};

/** The outcome of a command forwarded to another command API. */
type Forwarded =
  | { readonly kind: 'answered'; readonly result: CommandResult }
  /** It was not handled there. */
  | { readonly kind: 'not-taken' }
  /** It is unknown whether it was handled. */
  | { readonly kind: 'lost' };

/** Another command API that this one is connected to. */
export interface Peer {
  readonly id: string;
  readonly seed: number;
  forward(command: AnimeCommand, options: CommandOptions): Promise<Forwarded>;
  /** Resolves once the connection is gone. */
  readonly ended: Promise<void>;
  close(): void;
}

const CONNECT_TIMEOUT_MS = 2000;
const PING_EVERY_MS = 1000;

/** A peer that is silent for this long is disconnected: its anime get another owner. */
const PEER_SILENCE_MS = 3000;

/** Above this amount of unread data, commands are handled here. */
const MAX_UNSENT_BYTES = 4 * 1024 * 1024;

/** Resolves after the handshake. */
export const openPeer = async (options: {
  readonly host: string;
  readonly port: number;
  readonly id: string;
  readonly key: string;
}): Promise<Peer> => {
  const { host, port, id, key } = options;
  const socket = connect({ host, port });
  const pending = new Map<number, (forwarded: Forwarded) => void>();
  let last = 0;

  const lines = openLines(socket, (value) => {
    if (handshake.receive(value) || value === PING) return;
    const [number, result] = value as ResultLine;
    pending.get(number)?.(forwardedOf(result));
    pending.delete(number);
  });
  const handshake = clientHandshake(lines.send, id, key);
  endWhenSilent(socket, () => lines.send(PING));
  const peerId = await untilVerified(socket, handshake.verified);
  const ended = new Promise<void>((resolve) => {
    socket.on('close', () => {
      for (const settle of pending.values()) settle({ kind: 'lost' });
      pending.clear();
      resolve();
    });
  });
  return {
    id: peerId,
    seed: seedOf(peerId),
    forward: (command, given) =>
      new Promise((resolve) => {
        if (!socket.writable || socket.writableLength > MAX_UNSENT_BYTES) {
          resolve({ kind: 'not-taken' });
          return;
        }
        last += 1;
        pending.set(last, resolve);
        lines.send([last, command, given]);
      }),
    ended,
    close: () => socket.destroy(),
  };
};

const forwardedOf = (result: unknown): Forwarded => {
  if (result === NOT_TAKEN) return { kind: 'not-taken' };
  // A bug in the peer: it is unknown whether the command took effect.
  if (result === HANDLING_FAILED) return { kind: 'lost' };
  return { kind: 'answered', result: result as CommandResult };
};

const clientHandshake = (send: (value: unknown) => void, id: string, key: string) => {
  const handshake = createHandshake('client', id, key);
  let step = 0;
  let resolve: (peerId: string) => void;
  const verified = new Promise<string>((done) => void (resolve = done));
  send(handshake.hello);
  return {
    verified,
    /** Whether the line belongs to the handshake. */
    receive: (value: unknown): boolean => {
      step += 1;
      if (step === 1) send(handshake.proofFor(value));
      else if (step === 2) resolve(handshake.verified(value));
      return step <= 2;
    },
  };
};

const untilVerified = (socket: Socket, verified: Promise<string>): Promise<string> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      socket.destroy(new Error('Another command API did not respond in time.'));
    }, CONNECT_TIMEOUT_MS);
    let failure = new Error('Another command API closed the connection.');
    socket.on('error', (error) => void (failure = error));
    socket.on('close', () => {
      clearTimeout(timer);
      reject(failure);
    });
    void verified.then((peerId) => {
      clearTimeout(timer);
      resolve(peerId);
    });
  });

const endWhenSilent = (socket: Socket, ping: () => void): void => {
  const timer = setInterval(ping, PING_EVERY_MS);
  timer.unref();
  socket.setTimeout(PEER_SILENCE_MS, () =>
    socket.destroy(new Error('Another command API is silent.')),
  );
  socket.on('close', () => clearInterval(timer));
};
