import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '../free-port.js';
import { temporaryDirectory } from '../temporary-directory.js';
import { kafkaAnswers } from './kafka-answers.js';
import { kafkaJars } from './kafka-jars.js';
import { startNativeServer } from './native-server.js';
import type { StackServer } from './server.js';

const run = promisify(execFile);

/** A further door of the broker, beside the plain one that everybody uses. */
interface Listener {
  readonly protocol: 'PLAINTEXT' | 'SASL_SSL';
  readonly port: number;
  /** The port that clients are told to use; a line with faults lies between the two. */
  readonly advertised?: number;
  /** What else is set for it, without the prefix of its name. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** One of several nodes, each a broker and a controller. */
interface ClusterNode {
  readonly id: number;
  readonly port: number;
  readonly controllerPort: number;
  /** id@host:port of the controllers of all nodes. */
  readonly voters: string;
}

export interface NativeKafkaOptions {
  readonly node?: ClusterNode;
  readonly extra?: Listener;
  /** What the broker is set to beside all that. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** A broker of one's own, a process of this machine: one node, KRaft, data in a temporary folder. */
export const startNativeKafka = async ({
  node,
  extra,
  settings = {},
}: NativeKafkaOptions = {}): Promise<StackServer> => {
  const jars = await kafkaJars();
  const { path, remove } = await temporaryDirectory();
  const { id, port, controllerPort, voters } = node ?? (await loneNode());
  const file = join(path, 'server.properties');
  const given = { data: join(path, 'data'), id, port, controllerPort, voters, extra, settings };
  await writeFile(file, properties(given));
  await java(jars, ['kafka.tools.StorageTool', 'format', '-t', CLUSTER_ID, '-c', file]);
  const address = `127.0.0.1:${port}`;
  return startNativeServer({
    name: 'The broker',
    address,
    command: 'java',
    remove,
    args: [...HEAP, '-cp', join(jars, '*'), 'kafka.Kafka', file],
    logFile: join(path, 'broker.log'),
    answers: () => kafkaAnswers(address),
  });
};

const loneNode = async (): Promise<ClusterNode> => {
  const [port, controllerPort] = [await freePort(), await freePort()];
  return { id: 1, port, controllerPort, voters: `1@127.0.0.1:${controllerPort}` };
};

const CLUSTER_ID = 'YW5pbWUtYW5hbHl0aWNzLQ';
const HEAP = ['-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Dlog4j2.level=ERROR'];

const java = (jars: string, args: readonly string[]) =>
  run('java', [...HEAP, '-cp', join(jars, '*'), ...args]);

/** One of the programs that come with the broker; rejects with NotHere without Java. */
export const runKafkaTool = async (args: readonly string[]): Promise<void> => {
  await java(await kafkaJars(), args);
};

const properties = (given: {
  readonly data: string;
  readonly id: number;
  readonly port: number;
  readonly controllerPort: number;
  readonly voters: string;
  readonly extra: Listener | undefined;
  readonly settings: Readonly<Record<string, string>>;
}): string => {
  const { data, id, port, controllerPort, voters, extra, settings } = given;
  const at = (name: string, number: number) => `${name}://127.0.0.1:${number}`;
  const further = extra === undefined ? [] : [at('EXTRA', extra.port)];
  const told = extra === undefined ? [] : [at('EXTRA', extra.advertised ?? extra.port)];
  const own = Object.entries(extra?.settings ?? {}).map(([key, value]) => [
    `listener.name.extra.${key}`,
    value,
  ]);
  return Object.entries({
    'process.roles': 'broker,controller',
    'node.id': String(id),
    'controller.quorum.voters': voters,
    'controller.listener.names': 'CONTROLLER',
    listeners: [at('PLAINTEXT', port), at('CONTROLLER', controllerPort), ...further].join(','),
    'advertised.listeners': [at('PLAINTEXT', port), ...told].join(','),
    'listener.security.protocol.map': `PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,EXTRA:${extra?.protocol ?? 'PLAINTEXT'}`,
    'inter.broker.listener.name': 'PLAINTEXT',
    'log.dirs': data,
    ...SINGLE_NODE,
    ...settings,
    ...(Object.fromEntries(own) as Record<string, string>),
  })
    .map(([key, value]) => `${key}=${value}\n`)
    .join('');
};

/** What a test broker is set to, wherever it runs. */
export const SINGLE_NODE = {
  'auto.create.topics.enable': 'false',
  // A killed broker that comes back is not let in before its old session has ended.
  'broker.session.timeout.ms': '1500',
  'broker.heartbeat.interval.ms': '300',
  'group.initial.rebalance.delay.ms': '0',
  'group.min.session.timeout.ms': '500',
  'offsets.topic.replication.factor': '1',
  'offsets.topic.num.partitions': '1',
  'transaction.state.log.replication.factor': '1',
  'transaction.state.log.min.isr': '1',
  'transaction.state.log.num.partitions': '1',
} as const;
