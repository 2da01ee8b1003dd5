import { freePort } from '../free-port.js';
import { startEmbeddedNode, type EmbeddedNode } from '../embedded-node.js';
import { temporaryDirectory } from '../temporary-directory.js';
import { containerRuntime, inDockerOr } from './container.js';
import { startEventStoreDbContainer } from './eventstoredb-docker.js';
import { NotHere, type StackServer } from './server.js';

/**
 * The event store that EVENTSTORE_URL names, else EventStoreDB in Docker, else the embedded node in a
 * process of its own, reached through the official client alone.
 */
export const openEventStore = async (): Promise<StackServer> => {
  const url = process.env['EVENTSTORE_URL'] ?? '';
  return url === '' ? inDockerOr(startEventStoreDbContainer, startNode) : someoneElses(url);
};

/** A real EventStoreDB or KurrentDB: the one that EVENTSTORE_URL names, else one in Docker. */
export const openEventStoreDb = async (): Promise<StackServer> => {
  const url = process.env['EVENTSTORE_URL'] ?? '';
  if (url !== '') return someoneElses(url);
  const runtime = await containerRuntime();
  if (runtime !== null) return startEventStoreDbContainer(runtime);
  throw new NotHere('there is no EventStoreDB here: neither EVENTSTORE_URL nor Docker');
};

const someoneElses = (address: string): StackServer => {
  const refuse = () => Promise.reject(new Error('This event store is not ours to end.'));
  return { address, ours: false, kill: refuse, start: refuse, stop: () => Promise.resolve() };
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
