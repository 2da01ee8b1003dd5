import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '../free-port.js';
import { temporaryDirectory } from '../temporary-directory.js';
import { kafkaAnswers } from './kafka-answers.js';
import { kafkaJars } from './kafka-jars.js';
import type { StackServer } from './server.js';

const run = promisify(execFile);

export interface NativeKafkaOptions {
  /**
   * A second listener for clients that come over a line with faults: the broker listens on `port`
   * and tells its clients to use `advertised`.
   */
  readonly line?: { readonly port: number; readonly advertised: number };
}

/** A broker of one's own, a process of this machine: one node, KRaft, data in a temporary folder. */
export const startNativeKafka = async ({ line }: NativeKafkaOptions = {}): Promise<StackServer> => {
  const jars = await kafkaJars();
  const { path, remove } = await temporaryDirectory();
  const [port, controllerPort] = [await freePort(), await freePort()];
  const settings = join(path, 'server.properties');
  await writeFile(settings, properties({ data: join(path, 'data'), port, controllerPort, line }));
  await java(jars, ['kafka.tools.StorageTool', 'format', '-t', CLUSTER_ID, '-c', settings]);
  const address = `127.0.0.1:${port}`;
  let broker: ChildProcess | undefined;
  let stopped: Promise<void> | undefined;

  const kill = async (): Promise<void> => {
    if (broker === undefined || broker.exitCode !== null || broker.signalCode !== null) return;
    const ended = once(broker, 'exit');
    broker.kill('SIGKILL');
    await ended;
  };
  const withParent = (): void => void broker?.kill('SIGKILL');
  process.on('exit', withParent);

  const start = async (): Promise<void> => {
    const log = await open(join(path, 'broker.log'), 'a');
    const args = [...HEAP, '-cp', join(jars, '*'), 'kafka.Kafka', settings];
    broker = spawn('java', args, { stdio: ['ignore', log.fd, log.fd] });
    await log.close();
    const exited = once(broker, 'exit').then(async () => {
      const written = await readFile(join(path, 'broker.log'), 'utf8');
      throw new Error(`The broker ended:\n${written.slice(-2_000)}`);
    });
    exited.catch(() => undefined);
    await Promise.race([kafkaAnswers(address), exited]);
  };

  const stop = (): Promise<void> =>
    (stopped ??= (async () => {
      await kill();
      process.off('exit', withParent);
      await remove();
    })());

  try {
    await start();
  } catch (error) {
    await stop();
    throw error;
  }
  return { address, ours: true, kill, start, stop };
};

const CLUSTER_ID = 'YW5pbWUtYW5hbHl0aWNzLQ';
const HEAP = ['-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Dlog4j2.level=ERROR'];

const java = (jars: string, args: readonly string[]) =>
  run('java', [...HEAP, '-cp', join(jars, '*'), ...args]);

const properties = (given: {
  readonly data: string;
  readonly port: number;
  readonly controllerPort: number;
  readonly line: NativeKafkaOptions['line'];
}): string => {
  const { data, port, controllerPort, line } = given;
  const listeners = [
    ['PLAINTEXT', port, port],
    ...(line === undefined ? [] : [['LINE', line.port, line.advertised] as const]),
  ] as const;
  const listening = listeners.map(([name, bound]) => `${name}://127.0.0.1:${bound}`);
  const advertised = listeners.map(([name, , told]) => `${name}://127.0.0.1:${told}`);
  return Object.entries({
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    'controller.listener.names': 'CONTROLLER',
    listeners: [...listening, `CONTROLLER://127.0.0.1:${controllerPort}`].join(','),
    'advertised.listeners': advertised.join(','),
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,LINE:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'inter.broker.listener.name': 'PLAINTEXT',
    'log.dirs': data,
    ...SINGLE_NODE,
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
