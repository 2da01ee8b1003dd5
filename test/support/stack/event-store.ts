import { freePort } from '../free-port.js';
import { startEmbeddedNode, type EmbeddedNode } from '../embedded-node.js';
import { temporaryDirectory } from '../temporary-directory.js';
import type { StackServer } from './server.js';

/**
 * The event store that EVENTSTORE_URL names, else the embedded node in a process of its own,
 * reached through the official client alone.
 */
export const openEventStore = async (): Promise<StackServer> => {
  const url = process.env['EVENTSTORE_URL'] ?? '';
  if (url === '') return startNode();
  const refuse = () => Promise.reject(new Error('This event store is not ours to end.'));
  return {
    ...{ address: url, ours: false, kill: refuse, start: refuse },
    stop: () => Promise.resolve(),
  };
};

const startNode = async (): Promise<StackServer> => {
  const directory = await temporaryDirectory();
  const port = await freePort();
  const start = () => startEmbeddedNode({ dataDir: directory.path, port });
  let node: EmbeddedNode | null = await start();
  return {
    address: node.connectionString,
    ours: true,
    kill: async () => {
      await node?.kill('SIGKILL');
      node = null;
    },
    start: async () => {
      node ??= await start();
    },
    stop: async () => {
      await node?.stop();
      node = null;
      await directory.remove();
    },
  };
};
