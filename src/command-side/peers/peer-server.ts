import { createServer, type AddressInfo, type Socket } from 'node:net';
import { isAnimeId } from '../../domain/ids.js';
import type { AnimeCommand } from '../../domain/commands.js';
import type { CommandOptions } from '../../ports/command-result.js';
import type { Logger } from '../../platform/observability/logger.js';
import { withinTrace } from '../../platform/observability/trace-context.js';
import type { CommandHandler } from '../handling/handler.js';
import { createHandshake, openLines } from './protocol.js';

/** A command forwarded to the owner of its anime. */
type CommandLine = readonly [number: number, AnimeCommand, CommandOptions];

/** The owner's response: a result, 'not-taken' if it was not handled, 'failed' for a bug. */
export type ResultLine = readonly [number: number, result: unknown];

export const NOT_TAKEN = 'not-taken';
export const HANDLING_FAILED = 'failed';
export const PING = 'ping';

/** Peers ping every second: a connection that is silent for this long is gone, or is not a peer. */
const CLIENT_SILENCE_MS = 10_000;

/** For both sides to prove that they have the key. */
const HANDSHAKE_MS = 5_000;

/** Many more than command APIs share one event store; strangers cannot open more. */
const MAX_PEERS = 256;

export interface PeerServer {
  readonly port: number;
  /** Declines further commands, which their senders then handle themselves. */
  refuse(): void;
  close(): Promise<void>;
}

/** Handles commands forwarded by other command APIs for anime that this one owns. */
export const openPeerServer = async (options: {
  readonly host: string;
  readonly port: number;
  readonly id: string;
  readonly key: string;
  readonly handler: CommandHandler;
  readonly logger: Logger;
}): Promise<PeerServer> => {
  const { host, port, id, key, handler, logger } = options;
  const sockets = new Set<Socket>();
  let refusing = false;

  const respond = async ([, command, given]: CommandLine): Promise<unknown> => {
    if (refusing) return NOT_TAKEN;
    try {
      return await handler.handle(command, given);
    } catch (error) {
      const { type } = command;
      const log = () => logger.error('A forwarded command failed', { type, error });
      withinTrace(given.traceparent, log);
      return HANDLING_FAILED;
    }
  };

  const serve = (socket: Socket): void => {
    const handshake = createHandshake('server', id, key);
    let step = 0;
    const late = setTimeout(() => socket.destroy(), HANDSHAKE_MS);
    socket.setTimeout(CLIENT_SILENCE_MS, () => socket.destroy());
    socket.on('close', () => clearTimeout(late));
    const lines = openLines(socket, (value) => {
      step += 1;
      if (step === 1) lines.send(handshake.proofFor(value));
      else if (step === 2) {
        handshake.verified(value);
        clearTimeout(late);
      } else if (value === PING) lines.send(PING);
      else {
        const line = commandLine(value);
        void respond(line).then((result) => lines.send([line[0], result]));
      }
    });
    lines.send(handshake.hello);
  };

  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => void sockets.delete(socket));
    socket.on('error', (error) => {
      // The other side says so, if it is a command API.
      logger.debug('A connection from another command API failed', { reason: error.message });
    });
    serve(socket);
  });
  server.maxConnections = MAX_PEERS;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  return {
    port: (server.address() as AddressInfo).port,
    refuse: () => void (refusing = true),
    close: async () => {
      const closed = new Promise<void>((resolve) => void server.close(() => resolve()));
      for (const socket of sockets) socket.end();
      const cut = setTimeout(() => {
        for (const socket of sockets) socket.destroy();
      }, 1000);
      await closed;
      clearTimeout(cut);
    },
  };
};

const commandLine = (value: unknown): CommandLine => {
  const [number, command, options] = Array.isArray(value) ? (value as unknown[]) : [];
  const { animeId, type } = (command ?? {}) as Partial<AnimeCommand>;
  const { correlationId } = (options ?? {}) as Partial<CommandOptions>;
  const isCommand = isAnimeId(animeId) && typeof type === 'string';
  if (typeof number !== 'number' || !isCommand || typeof correlationId !== 'string') {
    throw new Error('Another command API sent a malformed command.');
  }
  return value as CommandLine;
};
