import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below 32768, where Linux begins to take the ports of outgoing connections from by itself. */
const FIRST = 12_000;
const LAST = 32_000;

/**
 * A port of the loopback that nobody listens on, for servers that cannot be given port 0. A port that
 * the system hands out could be taken by a connection of another test before the server listens.
 */
export const freePort = async (): Promise<number> => {
  for (;;) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST));
    if (await isFree(port)) return port;
  }
};

const isFree = async (port: number): Promise<boolean> => {
  const server = createServer();
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
};
