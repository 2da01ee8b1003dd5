import { GenericContainer, getContainerRuntimeClient } from 'testcontainers';
import { freePort } from '../free-port.js';
import { mongodbAnswers } from './mongodb-answers.js';
import type { StackServer } from './server.js';

const IMAGE = 'mongo:8.0';
const INITIATE = `rs.initiate({ _id: 'rs0', members: [{ _id: 0, host: 'localhost:27017' }] })`;

type Runtime = Awaited<ReturnType<typeof getContainerRuntimeClient>>;

/** The Docker engine that answers, or null. */
export const containerRuntime = (): Promise<Runtime | null> =>
  getContainerRuntimeClient().catch(() => null);

/** A replica set of one in a container; the port is chosen first, so that it outlives a restart. */
export const startMongodbContainer = async ({ container }: Runtime): Promise<StackServer> => {
  const port = await freePort();
  const started = await new GenericContainer(IMAGE)
    .withExposedPorts({ container: 27017, host: port })
    .withCommand(['--replSet', 'rs0', '--bind_ip_all'])
    .start();
  const { exitCode, output } = await started.exec(['mongosh', '--quiet', '--eval', INITIATE]);
  if (exitCode !== 0) throw new Error(`The replica set could not be initiated: ${output}`);
  const address = `mongodb://127.0.0.1:${port}/?directConnection=true`;
  await mongodbAnswers(address);
  let stopped: Promise<unknown> | undefined;
  return {
    address,
    ours: true,
    kill: async () => {
      await container.getById(started.getId()).kill();
    },
    start: async () => {
      await container.getById(started.getId()).start();
      await mongodbAnswers(address);
    },
    stop: async () => {
      await (stopped ??= started.stop());
    },
  };
};
