import { connect, type Socket } from 'node:net';
import type { AnimeCommand } from '../../domain/commands.js';
import type { CommandOptions, CommandResult } from '../../ports/command-result.js';
import { createHandshake } from './handshake.js';
import { openLines } from './lines.js';
import { seedOf } from './owner.js';
import { FAILED, NOT_TAKEN, PING, type ResultLine } from './peer-server.js';

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
const SILENCE_MS = 3000;

/** Above this amount of unread data, commands are handled here. */
const MAX_UNREAD_BYTES = 4 * 1024 * 1024;

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
        if (!socket.writable || socket.writableLength > MAX_UNREAD_BYTES) {
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
  if (result === FAILED) return { kind: 'lost' };
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
  socket.setTimeout(SILENCE_MS, () => socket.destroy(new Error('Another command API is silent.')));
  socket.on('close', () => clearInterval(timer));
};
