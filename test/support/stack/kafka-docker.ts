import { Wait } from 'testcontainers';
import { freePort } from '../free-port.js';
import { containerOf, containerServer, type Runtime } from './container.js';
import { kafkaAnswers } from './kafka-answers.js';
import { SINGLE_NODE } from './kafka-native.js';
import type { StackServer } from './server.js';

const IMAGE = 'apache/kafka:4.3.1';

/** A broker in a container; the port is chosen first, since the broker tells its clients where it is. */
export const startKafkaContainer = async (runtime: Runtime): Promise<StackServer> => {
  const port = await freePort();
  const container = await containerOf(runtime, IMAGE);
  const started = await container
    .withExposedPorts({ container: 9092, host: port })
    .withEnvironment(environment(port))
    .withWaitStrategy(Wait.forLogMessage(/Kafka Server started/))
    .start();
  const address = `127.0.0.1:${port}`;
  return containerServer(runtime, started, address, () => kafkaAnswers(address));
};

/** One variable drops all of the image's defaults, so all are given. */
const environment = (port: number): Record<string, string> => ({
  CLUSTER_ID: 'YW5pbWUtYW5hbHl0aWNzLQ',
  KAFKA_NODE_ID: '1',
  KAFKA_PROCESS_ROLES: 'broker,controller',
  KAFKA_CONTROLLER_QUORUM_VOTERS: '1@localhost:29093',
  KAFKA_CONTROLLER_LISTENER_NAMES: 'CONTROLLER',
  KAFKA_LISTENERS: 'CONTROLLER://:29093,HOST://:9092,INTERNAL://:19092',
  KAFKA_ADVERTISED_LISTENERS: `HOST://127.0.0.1:${port},INTERNAL://localhost:19092`,
  KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: 'CONTROLLER:PLAINTEXT,HOST:PLAINTEXT,INTERNAL:PLAINTEXT',
  KAFKA_INTER_BROKER_LISTENER_NAME: 'INTERNAL',
  ...Object.fromEntries(
    Object.entries(SINGLE_NODE).map(([key, value]) => [
      `KAFKA_${key.toUpperCase().replaceAll('.', '_')}`,
      value,
    ]),
  ),
});
