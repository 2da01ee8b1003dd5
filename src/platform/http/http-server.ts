import { createServer, type RequestListener, STATUS_CODES } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { ipKeyGenerator } from 'express-rate-limit';
import type { Logger } from '../observability/logger.js';
import { type Connection, createConnection, createTurns } from './connection.js';
import { MESSAGE_CLASSES } from './http-app.js';
import { Problem, PROBLEM_MEDIA_TYPE, problemDocument } from './problem.js';

const WARN_EVERY_MS = 60_000;

/** Returns whether the address may open one more connection, and counts it until it closes. */
const countByAddress = (options: {
  readonly maxConnectionsPerAddress?: number;
  readonly logger?: Pick<Logger, 'warn'>;
}): ((socket: Socket) => boolean) => {
  const { maxConnectionsPerAddress: limit = 0, logger } = options;
  if (limit === 0) return () => true;
  const counts = new Map<string, number>();
  let warnedAt = -Infinity;

  const refuse = (address: string): false => {
    if (performance.now() - warnedAt > WARN_EVERY_MS) {
      warnedAt = performance.now();
      logger?.warn(
        'Connections of an address are refused: it has reached MAX_CONNECTIONS_PER_ADDRESS',
        { address, limit },
      );
    }
    return false;
  };

  return (socket) => {
    const address = ipKeyGenerator(socket.remoteAddress ?? '');
    const count = counts.get(address) ?? 0;
    if (count >= limit) return refuse(address);
    counts.set(address, count + 1);
    socket.once('close', () => {
      const left = (counts.get(address) ?? 1) - 1;
      if (left === 0) counts.delete(address);
      else counts.set(address, left);
    });
    return true;
  };
};

export interface HttpServerOptions {
  readonly host: string;
  /** 0 selects a free port. */
  readonly port: number;
  /** From the connection to the end of the headers. */
  readonly headersTimeoutMs?: number;
  /** From the connection to the end of the body. */
  readonly requestTimeoutMs?: number;
  /** How long an idle connection is kept; longer than a load balancer in front keeps it. */
  readonly keepAliveTimeoutMs?: number;
  /** How long a client may read nothing of a response before its connection is closed. */
  readonly stalledTimeoutMs?: number;
  readonly maxHeaderBytes?: number;
  /** Further connections are closed at once. */
  readonly maxConnections?: number;
  /** Per address, or per network for IPv6; default 0, no limit. */
  readonly maxConnectionsPerAddress?: number;
  readonly logger?: Pick<Logger, 'warn'>;
}

export interface HttpServer {
  readonly port: number;
  readonly url: string;
  /**
   * Accepts no more connections, closes idle ones, lets requests finish and cuts the rest at the
   * deadline. May be called twice.
   */
  close(deadlineMs: number): Promise<void>;
}

/** Connections that wait in the kernel, which has its own maximum. */
const BACKLOG = 4096;

/** Rejects if the server cannot listen. */
export const listen = async (
  app: RequestListener,
  options: HttpServerOptions,
): Promise<HttpServer> => {
  const { host, port, maxConnections = 10_000 } = options;
  // Per connection, not per request: V8 keeps every outgrown table of a busy set, and the responses
  // in it, until the next full collection.
  const connections = new Map<Socket, Connection>();
  const turns = createTurns();
  const mayConnect = countByAddress(options);
  let closing: Promise<void> | undefined;

  const serve: RequestListener = (req, res) => {
    if (closing !== undefined) res.setHeader('Connection', 'close');
    res.on('close', () => {
      if (closing !== undefined) server.closeIdleConnections();
    });
    app(req, res);
  };
  const accept: RequestListener = (req, res) => connections.get(req.socket)?.accept(req, res);

  const server = createServer(
    {
      ...MESSAGE_CLASSES,
      headersTimeout: options.headersTimeoutMs ?? 10_000,
      requestTimeout: options.requestTimeoutMs ?? 20_000,
      keepAliveTimeout: options.keepAliveTimeoutMs ?? 65_000,
      connectionsCheckingInterval: 1000,
      maxHeaderSize: options.maxHeaderBytes ?? 16 * 1024,
      // Node's own response would overtake the responses of earlier requests.
      requireHostHeader: false,
    },
    accept,
  );
  server.on('checkExpectation', accept);
  server.maxConnections = maxConnections;
  server.on('connection', (socket) => {
    if (!mayConnect(socket)) {
      socket.destroy();
      return;
    }
    const refuse = (error: NodeJS.ErrnoException): void => {
      respondToClientError(error, socket, connection.isHalfSent());
    };
    const connection = createConnection({ socket, app: serve, turns, refuse });
    connections.set(socket, connection);
    socket.once('close', () => connections.delete(socket));
    // More connections may be waiting.
    turns.shorten();
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    connections.get(socket as Socket)?.fail(error);
  });
  // Also fires while a connection waits for a slow response, which must not be cut.
  server.setTimeout(options.stalledTimeoutMs ?? 30_000, (socket) => {
    const isWaiting = connections.get(socket)?.isResponding() === true;
    if (!isWaiting || socket.writableLength > 0) socket.destroy();
  });

  const closeWithin = async (deadlineMs: number): Promise<void> => {
    const closed = new Promise<void>((resolve) => void server.close(() => resolve()));
    for (const connection of connections.values()) connection.closeAfterResponse();
    const cut = setTimeout(() => server.closeAllConnections(), deadlineMs);
    await closed;
    clearTimeout(cut);
  };

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host, backlog: BACKLOG }, () => {
      server.off('error', reject);
      resolve();
    });
  });
  const address = server.address() as AddressInfo;
  return {
    port: address.port,
    url: `http://${host.includes(':') ? `[${host}]` : host}:${address.port}`,
    close: (deadlineMs) => (closing ??= closeWithin(deadlineMs)),
  };
};

/** Errors of the HTTP parser, before there is a request, by code. */
const PARSER_PROBLEMS: Readonly<Record<string, Problem>> = {
  ERR_HTTP_REQUEST_TIMEOUT: new Problem(408, 'The request took too long to arrive.'),
  HPE_HEADER_OVERFLOW: new Problem(431, 'The headers are too large.'),
  HPE_CHUNK_EXTENSIONS_OVERFLOW: new Problem(413, 'The chunk extensions are too large.'),
};

const UNREADABLE = new Problem(400, 'This is not a valid HTTP request.');

/**
 * Responds on the raw socket and closes it. If part of an earlier response has been sent, the client
 * would take this one for the rest of it, so the connection is only closed.
 */
const respondToClientError = (
  error: NodeJS.ErrnoException,
  socket: Socket,
  isHalfSent: boolean,
): void => {
  if (error.code === 'ECONNRESET' || !socket.writable || isHalfSent) {
    socket.destroy(error);
    return;
  }
  const problem = PARSER_PROBLEMS[error.code ?? ''] ?? UNREADABLE;
  const body = JSON.stringify(problemDocument(problem));
  const head = [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? ''}`,
    `Content-Type: ${PROBLEM_MEDIA_TYPE}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
};
