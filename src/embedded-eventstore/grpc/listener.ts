import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export interface ListenerOptions {
  readonly host: string;
  readonly port: number;
  /** Takes over a connection that speaks HTTP/2, with nothing read from it. */
  readonly onHttp2: (socket: Socket) => void;
  /** Answers what speaks HTTP/1, a browser most likely: one request per connection. */
  readonly page: RequestListener;
  /** How long a connection may take to show what it speaks, and one of HTTP/1 to be answered. */
  readonly deadlineMs: number;
}

export interface PortListener {
  readonly port: number;
  /** Takes no more connections, and ends those that are not HTTP/2. */
  close(): void;
}

/** More are closed as they come. */
const MAX_CONNECTIONS = 10_000;

/** How every connection of HTTP/2 begins, and no request of HTTP/1 does. */
const HTTP2 = Buffer.from('PRI');

/**
 * One port for both: the first three bytes of a connection tell them apart. They are put back, and
 * the connection is handed over whole, so that nothing stands between a client and gRPC afterwards.
 */
export const listenForBoth = async (options: ListenerOptions): Promise<PortListener> => {
  const { host, port, onHttp2, page, deadlineMs } = options;
  const others = new Set<Socket>();
  const asked = new WeakSet<Socket>();
  const http = createHttpServer({ maxHeaderSize: 8 * 1024 }, (req, res) => {
    // What is pipelined behind the first request would never be answered.
    if (asked.has(req.socket)) return;
    asked.add(req.socket);
    res.setHeader('Connection', 'close');
    page(req, res);
  });

  const server = createServer((socket) => {
    let seen = Buffer.alloc(0);
    // The time-outs of a server of HTTP/1 run only where it listens itself.
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
    // A connection that breaks is closed next, which is all that there is to do.
    socket.on('readable', look).on('error', ignore).on('close', forget);
  });

  server.maxConnections = MAX_CONNECTIONS;
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
