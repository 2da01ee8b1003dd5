import { EventStoreDBClient } from '@eventstore/db-client';
import type { StreamDeletion } from './stream-deletion.js';
import type { EventStore } from '../../src/ports/event-store.js';
import { createEventStoreDbStore } from '../../src/adapters/eventstoredb/event-store.js';
import { parseAddress } from '../../src/adapters/eventstoredb/connection.js';
import { silentLogger } from '../../src/platform/observability/logger.js';
import type { EventStoreTarget, OpenStore, StoreOnALine } from '../contract/event-store/target.js';
import { startEmbeddedNode, type EmbeddedNode } from './embedded-node.js';
import { killServers } from './kill-servers.js';
import { tcpProxy } from './tcp-proxy.js';
import { temporaryDirectory } from './temporary-directory.js';

/** The embedded node in each of its flavours. */
export const embeddedNodeTargets = (): ReadonlyMap<string, EventStoreTarget> =>
  new Map([
    ['EventStoreDB adapter, embedded node', embeddedNode({ batchAppend: true })],
    ['EventStoreDB adapter, node without batches', embeddedNode({ batchAppend: false })],
  ]);

const embeddedNode = ({ batchAppend }: { batchAppend: boolean }): EventStoreTarget => {
  const node = shared(async () => {
    const directory = await temporaryDirectory();
    const started = await startEmbeddedNode({ dataDir: directory.path, batchAppend });
    return { ...started, stop: () => started.stop().then(directory.remove) };
  });
  return {
    open: async () => {
      const { connectionString } = await node.take();
      return openStore(connectionString, node.giveBack);
    },
    freshLog: true,
    openOnALine: async () => {
      const { port } = await node.take();
      return openOnALine({ host: '127.0.0.1', port }, node.giveBack);
    },
    killWhileAppending: (stream) => killServers(stream, { batchAppend }),
  };
};

/**
 * A server that others use too: the one that `url` names, or else one that is started first, without
 * a certificate.
 */
export const foreignServer = (url: string, address: () => Promise<string>): EventStoreTarget => ({
  open: async () => openStore(await address()),
  freshLog: { because: 'the log has a past' },
  openOnALine:
    url === '' || isPlainAndSingle(url)
      ? async () => openOnALine(hostOf(await address()))
      : { because: 'the line would need the certificate, or the addresses, of the server' },
  killWhileAppending: { because: 'others use the server too' },
});

const isPlainAndSingle = (url: string): boolean => {
  const { hosts, dnsDiscover, tls } = parseAddress(url).options;
  return hosts.length === 1 && !dnsDiscover && tls === false;
};

const hostOf = (url: string) => {
  const [first] = parseAddress(url).options.hosts;
  if (first === undefined) throw new Error('The address names no server.');
  return { host: first.address, port: first.port };
};

const openStore = (connectionString: string, stop = noop): OpenStore => {
  const store = createEventStoreDbStore({ connectionString, logger: silentLogger() });
  return withDeletion({ store, stop: () => store.close().then(stop) }, connectionString);
};

/** An operator deletes with a client of their own. */
const withDeletion = <Opened extends { readonly store: EventStore; stop(): Promise<void> }>(
  opened: Opened,
  connectionString: string,
): Opened & OpenStore => {
  const operator = EventStoreDBClient.connectionString(connectionString);
  const deletion: StreamDeletion = {
    deleteStream: async (stream) => {
      await operator.deleteStream(stream);
    },
    tombstoneStream: async (stream) => {
      await operator.tombstoneStream(stream);
    },
  };
  return {
    ...opened,
    store: { ...opened.store, ...deletion },
    stop: async () => {
      await operator.dispose();
      await opened.stop();
    },
  };
};

const noop = () => Promise.resolve();

const openOnALine = async (
  server: { readonly host: string; readonly port: number },
  stop = noop,
): Promise<StoreOnALine> => {
  const line = await tcpProxy(server);
  const connectionString = `esdb://127.0.0.1:${line.port}?tls=false`;
  const store = createEventStoreDbStore({
    connectionString,
    logger: silentLogger(),
    subscriptionBackoff: { baseMs: 20, maxMs: 200 },
  });
  const opened = {
    store,
    cut: line.cut,
    loseAnswers: () => line.set({ kind: 'deaf' }),
    mend: async () => {
      line.reset();
      await line.mend();
    },
    stop: async () => {
      await store.close();
      await line.stop();
      await stop();
    },
  };
  return withDeletion(opened, connectionString);
};

/** One node for all who need it, stopped when the last of them is done. */
const shared = (start: () => Promise<EmbeddedNode>) => {
  let users = 0;
  let node: Promise<EmbeddedNode> | undefined;
  return {
    take: () => {
      users += 1;
      return (node ??= start());
    },
    giveBack: async () => {
      users -= 1;
      if (users > 0) return;
      const last = await node;
      node = undefined;
      await last?.stop();
    },
  };
};
