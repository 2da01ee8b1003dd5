import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export interface ListenerOptions {
  readonly host: string;
  readonly port: number;
  /** Takes over an HTTP/2 connection from which nothing has been read. */
  readonly onHttp2: (socket: Socket) => void;
  /** Answers HTTP/1, most likely from a browser: one request per connection. */
  readonly page: RequestListener;
  /**
   * Limits how long a connection may take to send its first bytes, and an HTTP/1 request to be
   * answered.
   */
  readonly deadlineMs: number;
}

export interface PortListener {
  readonly port: number;
  /** Accepts no more connections and ends those that are not HTTP/2. */
  close(): void;
}

/** Further connections are closed at once. */
const MAX_GRPC_CONNECTIONS = 10_000;

/** Every HTTP/2 connection begins with these bytes; no HTTP/1 request does. */
const HTTP2 = Buffer.from('PRI');

/**
 * HTTP/1 and HTTP/2 on one port, told apart by the first three bytes. These are pushed back and the
 * connection is handed over whole, so nothing sits between a client and gRPC afterwards.
 */
export const listenForBoth = async (options: ListenerOptions): Promise<PortListener> => {
  const { host, port, onHttp2, page, deadlineMs } = options;
  const others = new Set<Socket>();
  const asked = new WeakSet<Socket>();
  const http = createHttpServer({ maxHeaderSize: 8 * 1024 }, (req, res) => {
    // Requests pipelined behind the first would never be answered.
    if (asked.has(req.socket)) return;
    asked.add(req.socket);
    res.setHeader('Connection', 'close');
    page(req, res);
  });

  const server = createServer((socket) => {
    let seen = Buffer.alloc(0);
    // An HTTP/1 server applies its own time-outs only if it listens itself.
    const deadline = setTimeout(() => socket.destroy(), deadlineMs);
    others.add(socket);
    const forget = (): void => {
      clearTimeout(deadline);
      others.delete(socket);
    };
    const ignore = (): void => undefined;
    const look = (): void => {
      const bytes = socket.read() as Buffer | null;
      if (bytes === null) return;
      seen = Buffer.concat([seen, bytes]);
      const isHttp2 = seen.subarray(0, HTTP2.length).equals(HTTP2);
      if (!isHttp2 && HTTP2.subarray(0, seen.length).equals(seen)) return;
      socket.off('readable', look).off('error', ignore);
      socket.unshift(seen);
      if (isHttp2) {
        socket.off('close', forget);
        forget();
        onHttp2(socket);
      } else {
        http.emit('connection', socket);
      }
    };
    // A broken connection is closed next; there is nothing else to do.
    socket.on('readable', look).on('error', ignore).on('close', forget);
  });

  server.maxConnections = MAX_GRPC_CONNECTIONS;
  await listening(server, host, port);
  return {
    port: (server.address() as AddressInfo).port,
    close: () => {
      server.close();
      for (const socket of others) socket.destroy();
    },
  };
};

const listening = (server: Server, host: string, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
