import { runLoad, type LoadOptions, type LoadResult } from './http-load.js';
import { batchRequest, commandRequest } from './http-request.js';
import type { ServerProcess } from './server-process.js';
import { createWorkload, type Interaction, type WorkloadOptions } from './workload.js';

export interface CommandsResult extends LoadResult {
  /** CPU seconds of the server per 1,000 commands, while they came. */
  readonly cpu: number;
  /** The same until everything that follows from them was done too. */
  readonly cpuInAll: number;
}

export interface CommandsLoad {
  readonly server: ServerProcess;
  readonly port: number;
  readonly popularity: WorkloadOptions['popularity'];
  /** 1,000 by default. */
  readonly animes?: number;
  readonly durationMs: number;
  /** Commands in one request; absent: one, without a batch. */
  readonly together?: number;
  readonly connections?: number;
  /** Default: that of the workload. */
  readonly users?: number;
  /** Resolves when nothing of these commands is left to do. */
  readonly settle?: () => Promise<void>;
}

/**
 * One round of commands in a closed loop. Every command must be answered 201. A result counts commands,
 * but its latencies are those of requests.
 */
export const runCommands = async (load: CommandsLoad, seed: number): Promise<CommandsResult> => {
  const { server, port, popularity, durationMs, connections = 64, settle } = load;
  const { animes, users } = load;
  const workload = createWorkload({
    seed,
    popularity,
    ...(animes === undefined ? {} : { animes }),
    ...(users === undefined ? {} : { users }),
  });
  const before = await server.cpuSeconds();
  const sent =
    load.together === undefined
      ? await runLoad({ port, next: () => commandRequest(workload()), connections, durationMs })
      : await runBatches(load.together, workload, { port, connections, durationMs });
  const during = await server.cpuSeconds();
  await settle?.();
  const after = await server.cpuSeconds();
  if (sent.statuses[201] !== sent.requests) {
    throw new Error(`Not every command was taken: ${JSON.stringify(sent.statuses)}.`);
  }
  const perThousand = (seconds: number) => (seconds / sent.requests) * 1000;
  return { ...sent, cpu: perThousand(during - before), cpuInAll: perThousand(after - before) };
};

/** Requests made before the measurement: the client shares the cores of the server. */
const PREPARED = 64;

const runBatches = async (
  together: number,
  workload: () => Interaction,
  load: Omit<LoadOptions, 'next'>,
): Promise<LoadResult> => {
  const requests = Array.from({ length: PREPARED }, () =>
    batchRequest(Array.from({ length: together }, workload)),
  );
  let next = 0;
  let taken = 0;
  const result = await runLoad({
    ...load,
    next: () => requests[next++ % PREPARED] ?? Buffer.of(),
    onAnswer: ({ body }) => (taken += body.split('"status":201').length - 1),
  });
  const commands = result.requests * together;
  const statuses = { 201: taken, ...(taken === commands ? {} : { other: commands - taken }) };
  return { ...result, requests: commands, perSecond: commands / result.seconds, statuses };
};
