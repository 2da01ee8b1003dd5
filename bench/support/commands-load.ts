import { runLoad, type LoadResult } from './http-load.js';
import { commandRequest } from './http-request.js';
import type { ServerProcess } from './server-process.js';
import { createWorkload, type WorkloadOptions } from './workload.js';

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
  readonly durationMs: number;
  /** Resolves when nothing of these commands is left to do. */
  readonly settle?: () => Promise<void>;
}

/** One round of commands in a closed loop. Every command must be answered 201. */
export const runCommands = async (load: CommandsLoad, seed: number): Promise<CommandsResult> => {
  const { server, port, popularity, durationMs, settle } = load;
  const workload = createWorkload({ seed, popularity });
  const before = await server.cpuSeconds();
  const result = await runLoad({ port, next: () => commandRequest(workload()), durationMs });
  const during = await server.cpuSeconds();
  await settle?.();
  const after = await server.cpuSeconds();
  if (result.statuses[201] !== result.requests) {
    throw new Error(`Not every command was taken: ${JSON.stringify(result.statuses)}.`);
  }
  const perThousand = (seconds: number) => (seconds / result.requests) * 1000;
  return { ...result, cpu: perThousand(during - before), cpuInAll: perThousand(after - before) };
};
