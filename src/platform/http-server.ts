import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { answerClientError } from './client-error.js';

export interface HttpServerOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** From the connection to the end of the headers. */
  readonly headersTimeoutMs?: number;
  /** From the connection to the end of the body. */
  readonly requestTimeoutMs?: number;
  /** How long an idle connection is kept; longer than a load balancer in front keeps it. */
  readonly keepAliveTimeoutMs?: number;
  readonly maxHeaderBytes?: number;
  /** More are closed as they come. */
  readonly maxConnections?: number;
}

export interface HttpServer {
  readonly port: number;
  readonly url: string;
  /**
   * Takes no more connections, closes idle ones, lets what is under way finish and cuts the rest at
   * the deadline. May be called twice.
   */
  close(deadlineMs: number): Promise<void>;
}

/** Resolves when the server listens; rejects when it cannot. */
export const listen = async (
  app: RequestListener,
  options: HttpServerOptions,
): Promise<HttpServer> => {
  const { host, port, maxConnections = 10_000 } = options;
  const underWay = new Set<ServerResponse>();
  let closing: Promise<void> | undefined;

  const server = createServer(
    {
      headersTimeout: options.headersTimeoutMs ?? 10_000,
      requestTimeout: options.requestTimeoutMs ?? 20_000,
      keepAliveTimeout: options.keepAliveTimeoutMs ?? 65_000,
      connectionsCheckingInterval: 1000,
      maxHeaderSize: options.maxHeaderBytes ?? 16 * 1024,
    },
    (req, res) => {
      underWay.add(res);
      if (closing !== undefined) res.setHeader('Connection', 'close');
      res.on('close', () => {
        underWay.delete(res);
        if (closing !== undefined) server.closeIdleConnections();
      });
      app(req, res);
    },
  );
  server.maxConnections = maxConnections;
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    answerClientError(error, socket as Socket, underWay);
  });

  const closeWithin = async (deadlineMs: number): Promise<void> => {
    const closed = new Promise<void>((resolve) => void server.close(() => resolve()));
    for (const res of underWay) if (!res.headersSent) res.setHeader('Connection', 'close');
    const cut = setTimeout(() => server.closeAllConnections(), deadlineMs);
    await closed;
    clearTimeout(cut);
  };

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
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
