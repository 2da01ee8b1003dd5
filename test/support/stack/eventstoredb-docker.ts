import { Wait } from 'testcontainers';
import { eventually } from '../eventually.js';
import { freePort } from '../free-port.js';
import { containerOf, containerServer, type Runtime } from './container.js';
import type { StackServer } from './server.js';

const IMAGE = 'eventstore/eventstore:24.10.14';

/** A single node in a container; the port is chosen first, so that it outlives a restart. */
export const startEventStoreDbContainer = async (runtime: Runtime): Promise<StackServer> => {
  const port = await freePort();
  const container = await containerOf(runtime, IMAGE);
  const started = await container
    .withExposedPorts({ container: 2113, host: port })
    .withEnvironment(ENVIRONMENT)
    .withWaitStrategy(Wait.forHttp('/health/live', 2113).forStatusCode(204))
    .withStartupTimeout(120_000)
    .start();
  const address = `esdb://127.0.0.1:${port}?tls=false`;
  return containerServer(runtime, started, address, () => isLive(port));
};

const ENVIRONMENT = {
  EVENTSTORE_CLUSTER_SIZE: '1',
  EVENTSTORE_INSECURE: 'true',
  EVENTSTORE_RUN_PROJECTIONS: 'All',
  EVENTSTORE_START_STANDARD_PROJECTIONS: 'true',
  EVENTSTORE_NODE_PORT: '2113',
};

const isLive = (port: number): Promise<void> =>
  eventually(
    async () => {
      const { status } = await fetch(`http://127.0.0.1:${port}/health/live`);
      if (status !== 204) throw new Error(`EventStoreDB answers ${status} to whether it is live.`);
    },
    { withinMs: 60_000, everyMs: 100 },
  );
