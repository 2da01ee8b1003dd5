import { ANY, EventStoreDBClient, jsonEvent } from '@eventstore/db-client';
import { startEmbeddedNode } from '../../test/support/embedded-node.js';
import { temporaryDirectory } from '../../test/support/temporary-directory.js';
import { runCommands, type CommandsLoad } from './commands-load.js';
import { printTable } from './report.js';
import { interleaved, median, ratio } from './rounds.js';
import { listAnimes, startCommandApi, withService } from './service.js';
import { createWorkload } from './workload.js';

const CALLERS = 32;
const ANIMES = 8;
const IN_PROCESS = 'service, log in its process';
const OVER_GRPC = 'command API, node over gRPC';
const CLIENT_ALONE = 'official client alone';

/** A command API on an event store in a process of its own, beside the whole service in one, and the client alone. */
export const measureOverGrpc = async (options: {
  readonly rounds: number;
  readonly durationMs: number;
}) => {
  const { rounds, durationMs } = options;
  const directory = await temporaryDirectory();
  const node = await startEmbeddedNode({ dataDir: directory.path });
  const api = await startCommandApi(node.connectionString);
  const client = EventStoreDBClient.connectionString(node.connectionString);
  try {
    return await withService(async (service) => {
      const commands = async (load: Pick<CommandsLoad, 'server' | 'port'>, round: number) => {
        const shape = { popularity: 'zipf', animes: ANIMES, connections: CALLERS } as const;
        const { perSecond } = await runCommands({ ...load, ...shape, durationMs }, round);
        return perSecond;
      };
      await Promise.all([listAnimes(service, ANIMES), listAnimes(api, ANIMES)]);
      const contenders = [
        [
          IN_PROCESS,
          (round: number) => commands({ server: service, port: service.commandPort }, round),
        ],
        [OVER_GRPC, (round: number) => commands({ server: api, port: api.commandPort }, round)],
        [CLIENT_ALONE, (round: number) => appends(client, durationMs, round)],
      ] as const;
      // The first round teaches the just-in-time compilers.
      for (const [, measure] of contenders) await measure(0);
      const results = await interleaved(
        contenders.map(([name, measure]) => ({ name, measure: (round) => measure(round + 1) })),
        { rounds },
      );
      return rowsOf(results);
    });
  } finally {
    await client.dispose();
    await api.stop();
    await node.stop();
    await directory.remove();
  }
};

const rowsOf = (results: ReadonlyMap<string, readonly number[]>) => {
  const limits = results.get(IN_PROCESS) ?? [];
  const rows = [...results].map(([name, found]) => ({
    name,
    perSecond: median(found),
    toInProcess: ratio(found, limits),
  }));
  printTable(
    ['32 callers, 8 anime', 'commands/s', 'x in process', 'lowest', 'highest'],
    rows.map(({ name, perSecond, toInProcess: { median, lowest, highest } }) => [
      name,
      Math.round(perSecond),
      median,
      lowest,
      highest,
    ]),
  );
  return rows;
};

/** The same callers on the same streams, one event a call and whatever the revision. */
const appends = async (
  client: EventStoreDBClient,
  durationMs: number,
  seed: number,
): Promise<number> => {
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
  return (appended / (performance.now() - startedAt)) * 1000;
};
