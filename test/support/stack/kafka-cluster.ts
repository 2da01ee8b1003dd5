import { freePort } from '../free-port.js';
import { startNativeKafka } from './kafka-native.js';
import type { StackServer } from './server.js';
import { stopAll } from './stop-all.js';

export interface KafkaCluster extends StackServer {
  readonly nodes: readonly StackServer[];
}

const NODES = 3;

/** What topics of the brokers' own need, so that any one broker can be missing. */
const REPLICATED = {
  'offsets.topic.replication.factor': '3',
  'transaction.state.log.replication.factor': '3',
  'transaction.state.log.min.isr': '2',
  'min.insync.replicas': '1',
  'num.network.threads': '2',
  'num.io.threads': '2',
};

/** Three nodes on this machine's Java, each a broker and a controller. */
export const startKafkaCluster = async (): Promise<KafkaCluster> => {
  const ports = await Promise.all(
    Array.from({ length: NODES }, async () => ({
      port: await freePort(),
      controllerPort: await freePort(),
    })),
  );
  const voters = ports
    .map(({ controllerPort }, at) => `${at + 1}@127.0.0.1:${controllerPort}`)
    .join();
  // Together, since one alone has no majority and does not answer.
  const starting = ports.map((own, at) =>
    startNativeKafka({ node: { id: at + 1, voters, ...own }, settings: REPLICATED }),
  );
  const ended = await Promise.allSettled(starting);
  const nodes = ended.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const stop = () => stopAll(nodes);
  const failed = ended.find((one) => one.status === 'rejected');
  if (failed !== undefined) {
    await stop();
    throw failed.reason;
  }
  const each = async (act: (node: StackServer) => Promise<void>): Promise<void> => {
    await Promise.all(nodes.map(act));
  };
  return {
    nodes,
    address: nodes.map(({ address }) => address).join(),
    ours: true,
    kill: () => each((node) => node.kill()),
    start: () => each((node) => node.start()),
    stop,
  };
};
