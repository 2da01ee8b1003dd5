import {
  GenericContainer,
  getContainerRuntimeClient,
  getReaper,
  ImageName,
  type StartedTestContainer,
} from 'testcontainers';
import { NotHere, type StackServer } from './server.js';

type Runtime = Awaited<ReturnType<typeof getContainerRuntimeClient>>;

/** The Docker engine that answers, or null. */
export const containerRuntime = (): Promise<Runtime | null> =>
  getContainerRuntimeClient().catch(() => null);

/** A container of the image; NotHere where Docker has neither it nor a way to get it. */
export const containerOf = async (runtime: Runtime, image: string): Promise<GenericContainer> => {
  const name = ImageName.fromString(image);
  try {
    await runtime.image.pull(name);
    // A pull that breaks off midway ends like one that does not.
    await runtime.image.inspect(name);
    // It removes the containers when this process has ended, and has an image of its own.
    await getReaper(runtime);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new NotHere(`Docker cannot get what ${image} needs: ${reason.trim()}`);
  }
  return new GenericContainer(image);
};

/** The server in Docker, or another one where there is no Docker, or not the image for it. */
export const inDockerOr = async (
  inDocker: (runtime: Runtime) => Promise<StackServer>,
  other: () => Promise<StackServer>,
): Promise<StackServer> => {
  const runtime = await containerRuntime();
  if (runtime === null) return other();
  try {
    return await inDocker(runtime);
  } catch (error) {
    if (!(error instanceof NotHere)) throw error;
    process.stdout.write(`      not in Docker: ${error.message}\n`);
    return other();
  }
};

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
