import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { freePort } from './free-port.js';

/** How the line treats what passes over it. */
export type Line =
  | { readonly kind: 'open'; readonly latencyMs?: number }
  /** Connections stay open and nothing passes, either way. */
  | { readonly kind: 'black-hole' }
  /** What is sent arrives; no answer comes back. */
  | { readonly kind: 'deaf' }
  /** Open until what is sent fulfils this, deaf from then on. */
  | { readonly kind: 'deaf-from'; readonly request: (bytes: Buffer) => boolean }
  /** Open until what is sent fulfils this: it and all that follows does not arrive. */
  | { readonly kind: 'black-hole-from'; readonly request: (bytes: Buffer) => boolean }
  /** Answers pass until this many bytes of them, then the connection is reset. */
  | { readonly kind: 'cut-after'; readonly bytes: number }
  /** New connections are reset at once. */
  | { readonly kind: 'refuse' };

const OPEN: Line = { kind: 'open' };

/** A TCP line to a server on this machine, with faults at the test's command. */
export const tcpProxy = async (target: { readonly host: string; readonly port: number }) => {
  let line: Line = OPEN;
  let answeredBytes = 0;
  let isSilent = false;
  let accepted = 0;
  const sockets = new Set<Socket>();

  const hold = (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
  };

  const server = createServer((near) => {
    accepted += 1;
    hold(near);
    if (line.kind === 'refuse') return void near.resetAndDestroy();
    const far = connect(target);
    hold(far);
    near.on('close', () => far.destroy());
    far.on('close', () => near.destroy());
    near.on('data', (bytes: Buffer) => {
      if (line.kind === 'deaf-from' && line.request(bytes)) line = { kind: 'deaf' };
      if (line.kind === 'black-hole-from' && line.request(bytes)) line = { kind: 'black-hole' };
      isSilent ||= line.kind === 'deaf' || line.kind === 'black-hole';
      if (line.kind !== 'black-hole') later(() => far.write(bytes));
    });
    far.on('data', (bytes) => {
      answeredBytes += bytes.length;
      if (line.kind === 'cut-after' && answeredBytes > line.bytes) near.resetAndDestroy();
      else if (line.kind !== 'black-hole' && line.kind !== 'deaf') later(() => near.write(bytes));
    });
  });

  const later = (pass: () => unknown) => {
    if (line.kind === 'open' && line.latencyMs !== undefined) setTimeout(pass, line.latencyMs);
    else pass();
  };

  const port = await freePort();
  const listen = async () => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  };

  const reset = () => sockets.forEach((socket) => socket.resetAndDestroy());
  await listen();

  return {
    port,
    set: (next: Line) => {
      line = next;
      answeredBytes = 0;
      isSilent = false;
    },
    /** Resets every open connection. */
    reset,
    /** Closes every open connection, as the kernel does for a process that was killed. */
    close: () => sockets.forEach((socket) => socket.destroy()),
    /** Stops listening and resets what is open: as good as a stopped server. */
    cut: async () => {
      server.close();
      reset();
      if (sockets.size > 0) await once(server, 'close');
    },
    mend: async () => {
      line = OPEN;
      if (!server.listening) await listen();
    },
    /** Whether something was sent that nobody will answer. */
    isSilent: () => isSilent,
    connections: () => sockets.size / 2,
    /** How many were ever opened. */
    everConnected: () => accepted,
    stop: async () => {
      reset();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};

export type TcpProxy = Awaited<ReturnType<typeof tcpProxy>>;
