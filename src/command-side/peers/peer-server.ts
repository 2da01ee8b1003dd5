import { createServer, type AddressInfo, type Socket } from 'node:net';
import { isAnimeId } from '../../domain/ids.js';
import type { AnimeCommand } from '../../domain/commands.js';
import type { CommandOptions } from '../../ports/command-result.js';
import type { Logger } from '../../platform/observability/logger.js';
import type { CommandHandler } from '../handling/handler.js';
import { createHandshake } from './handshake.js';
import { openLines } from './lines.js';

/** A command as the command API that received it sends it to the owner of its anime. */
type CommandLine = readonly [number: number, AnimeCommand, CommandOptions];

/** The owner's answer: a result, 'not-taken' where it was not handled, 'failed' for a bug. */
export type ResultLine = readonly [number: number, result: unknown];

export const NOT_TAKEN = 'not-taken';
export const FAILED = 'failed';
export const PING = 'ping';

export interface PeerServer {
  readonly port: number;
  /** Takes no more commands: those that come are handled where they were received. */
  refuse(): void;
  close(): Promise<void>;
}

/** Takes commands from other command APIs for the anime that this one owns. */
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

  const answer = async ([, command, given]: CommandLine): Promise<unknown> => {
    if (refusing) return NOT_TAKEN;
    try {
      return await handler.handle(command, given);
    } catch (error) {
      logger.error('A command of another command API failed', { type: command.type, error });
      return FAILED;
    }
  };

  const serve = (socket: Socket): void => {
    const handshake = createHandshake('server', id, key);
    let step = 0;
    const lines = openLines(socket, (value) => {
      step += 1;
      if (step === 1) lines.send(handshake.proofFor(value));
      else if (step === 2) handshake.verified(value);
      else if (value === PING) lines.send(PING);
      else {
        const line = commandLine(value);
        void answer(line).then((result) => lines.send([line[0], result]));
      }
    });
    lines.send(handshake.hello);
  };

  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => void sockets.delete(socket));
    socket.on('error', (error) => {
      logger.warn('A connection from a command API ended', { reason: error.message });
    });
    serve(socket);
  });
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
    throw new Error('A command API sent what is no command.');
  }
  return value as CommandLine;
};
