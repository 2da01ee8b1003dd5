import { join } from 'node:path';
import { ANY, EventStoreDBClient, jsonEvent } from '@eventstore/db-client';
import { type EmbeddedNode, startEmbeddedNode } from '../../test/support/embedded-node.js';
import { temporaryDirectory } from '../../test/support/temporary-directory.js';
import { runCommands } from './commands-load.js';
import { printTable } from './report.js';
import { interleaved, median, ratio } from './rounds.js';
import { cpuSecondsOf, type ServerProcess } from './server-process.js';
import { listAnimes, settled, startCommandApi, withService } from './service.js';
import { createWorkload } from './workload.js';

const CALLERS = 32;
const ANIMES = 8;
const IN_PROCESS = 'service, log in its process';
const SERVICE_OVER_GRPC = 'service, node over gRPC';
const OVER_GRPC = 'command API, node over gRPC';
const CLIENT_ALONE = 'official client alone';

interface Measured {
  readonly perSecond: number;
  /** Microseconds of CPU per command, of all processes but the load, read models included. */
  readonly cpu: number;
}

interface Contender {
  readonly server: ServerProcess & { readonly commandPort: number };
  readonly settle?: () => Promise<void>;
  /** The process that has its log, if that is another one. */
  readonly node?: EmbeddedNode;
}

/**
 * The whole service on an event store in a process of its own, beside the same with the log in its
 * process: both keep read models. Also a command API alone on such a node, and the client alone.
 * Whatever a round leaves to do is done before the next begins: the processors are shared.
 */
export const measureOverGrpc = async (options: {
  readonly rounds: number;
  readonly durationMs: number;
}) => {
  const { rounds, durationMs } = options;
  const directory = await temporaryDirectory();
  const nodeIn = (name: string) => startEmbeddedNode({ dataDir: join(directory.path, name) });
  const [node, nodeOfService] = await Promise.all([nodeIn('api'), nodeIn('service')]);
  const api = await startCommandApi(node.connectionString);
  const client = EventStoreDBClient.connectionString(node.connectionString);
  const onNode = { EVENTSTORE_URL: nodeOfService.connectionString, ...ALLOWED };
  try {
    return await withService((service) =>
      withService(async (remote) => {
        const contenders: readonly (readonly [string, Contender])[] = [
          [IN_PROCESS, { server: service, settle: () => settled(service) }],
          [
            SERVICE_OVER_GRPC,
            { server: remote, settle: () => settled(remote), node: nodeOfService },
          ],
          [OVER_GRPC, { server: api, node }],
        ];
        for (const [, { server }] of contenders) await listAnimes(server, ANIMES);
        const measures: readonly (readonly [string, (round: number) => Promise<Measured>])[] = [
          ...contenders.map(
            ([name, one]) => [name, (round: number) => commands(one, durationMs, round)] as const,
          ),
          [CLIENT_ALONE, (round) => appends({ client, node, durationMs }, round)],
        ];
        // The first round teaches the just-in-time compilers.
        for (const [, measure] of measures) await measure(0);
        const results = await interleaved(
          measures.map(([name, measure]) => ({ name, measure: (round) => measure(round + 1) })),
          { rounds },
        );
        return rowsOf(results);
      }, onNode),
    );
  } finally {
    await client.dispose();
    await api.stop();
    await Promise.all([node.stop(), nodeOfService.stop()]);
    await directory.remove();
  }
};

const ALLOWED = { ALLOW_ANONYMOUS: 'true', ALLOW_INSECURE: 'true' };

const commands = async (
  { server, settle, node }: Contender,
  durationMs: number,
  round: number,
): Promise<Measured> => {
  const shape = { popularity: 'zipf', animes: ANIMES, connections: CALLERS } as const;
  const before = await cpuOf(node);
  const load = { server, port: server.commandPort, ...shape, durationMs };
  const result = await runCommands(settle === undefined ? load : { ...load, settle }, round);
  const ofNode = ((await cpuOf(node)) - before) / result.requests;
  return { perSecond: result.perSecond, cpu: result.cpuInAll * 1000 + ofNode * 1e6 };
};

const cpuOf = async (node: EmbeddedNode | undefined): Promise<number> =>
  node === undefined ? 0 : cpuSecondsOf(node.pid);

const rowsOf = (results: ReadonlyMap<string, readonly Measured[]>) => {
  const of = (name: string, what: keyof Measured): readonly number[] =>
    (results.get(name) ?? []).map((measured) => measured[what]);
  const rows = [...results.keys()].map((name) => ({
    name,
    perSecond: median(of(name, 'perSecond')),
    toInProcess: ratio(of(name, 'perSecond'), of(IN_PROCESS, 'perSecond')),
    cpu: median(of(name, 'cpu')),
    cpuToInProcess: ratio(of(name, 'cpu'), of(IN_PROCESS, 'cpu')).median,
  }));
  printTable(
    [
      '32 callers, 8 anime',
      'commands/s',
      'x in process',
      'lowest',
      'highest',
      'CPU us/command',
      'x in process',
    ],
    rows.map(({ name, perSecond, toInProcess, cpu, cpuToInProcess }) => [
      name,
      Math.round(perSecond),
      ...[toInProcess.median, toInProcess.lowest, toInProcess.highest],
      ...[Math.round(cpu), cpuToInProcess],
    ]),
  );
  return rows;
};

/** The same callers on the same streams, one event a call and whatever the revision. The CPU is the node's. */
const appends = async (
  {
    client,
    node,
    durationMs,
  }: {
    readonly client: EventStoreDBClient;
    readonly node: EmbeddedNode;
    readonly durationMs: number;
  },
  seed: number,
): Promise<Measured> => {
  const before = await cpuOf(node);
  const workload = createWorkload({ seed, popularity: 'zipf', animes: ANIMES });
  const startedAt = performance.now();
  let appended = 0;
  const call = async (): Promise<void> => {
    while (performance.now() - startedAt < durationMs) {
      const { animeId, ...data } = workload();
      await client.appendToStream(`client-${animeId}`, jsonEvent({ type: 'Measured', data }), {
        expectedRevision: ANY,
      });
      appended += 1;
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, call));
  const perSecond = (appended / (performance.now() - startedAt)) * 1000;
  return { perSecond, cpu: (((await cpuOf(node)) - before) / appended) * 1e6 };
};
