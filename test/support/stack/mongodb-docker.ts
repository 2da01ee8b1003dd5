import { freePort } from '../free-port.js';
import { containerOf, containerServer, type Runtime } from './container.js';
import { mongodbAnswers } from './mongodb-answers.js';
import type { StackServer } from './server.js';

const IMAGE = 'mongo:8.0';
const INITIATE = `rs.initiate({ _id: 'rs0', members: [{ _id: 0, host: 'localhost:27017' }] })`;

/** A replica set of one in a container; the port is chosen first, so that it outlives a restart. */
export const startMongodbContainer = async (runtime: Runtime): Promise<StackServer> => {
  const port = await freePort();
  const container = await containerOf(runtime, IMAGE);
  const started = await container
    .withExposedPorts({ container: 27017, host: port })
    .withCommand(['--replSet', 'rs0', '--bind_ip_all'])
    .start();
  const { exitCode, output } = await started.exec(['mongosh', '--quiet', '--eval', INITIATE]);
  if (exitCode !== 0) throw new Error(`The replica set could not be initiated: ${output}`);
  const address = `mongodb://127.0.0.1:${port}/?directConnection=true`;
  return containerServer(runtime, started, address, () => mongodbAnswers(address));
};
