import { getContainerRuntimeClient, type StartedTestContainer } from 'testcontainers';
import type { StackServer } from './server.js';

type Runtime = Awaited<ReturnType<typeof getContainerRuntimeClient>>;

/** The Docker engine that answers, or null. */
export const containerRuntime = (): Promise<Runtime | null> =>
  getContainerRuntimeClient().catch(() => null);

/** A server in a container, whose port was chosen by us, so that it outlives a restart. */
export const containerServer = async (
  { container }: Runtime,
  started: StartedTestContainer,
  address: string,
  answers: () => Promise<void>,
): Promise<StackServer> => {
  await answers();
  let stopped: Promise<unknown> | undefined;
  return {
    address,
    ours: true,
    kill: async () => {
      await container.getById(started.getId()).kill();
    },
    start: async () => {
      await container.getById(started.getId()).start();
      await answers();
    },
    stop: async () => {
      await (stopped ??= started.stop());
    },
  };
};

export type { Runtime };
