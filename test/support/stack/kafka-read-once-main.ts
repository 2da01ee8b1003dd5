import { createAdmin } from '../../../src/adapters/kafka/topics.js';
import { clientFactory } from '../../../src/adapters/kafka/client.js';
import { readTopic } from '../../../src/adapters/kafka/read-topic.js';
import { silentLogger } from '../../../src/platform/observability/logger.js';
import { PortError } from '../../../src/ports/errors.js';

const [brokers = '', topic = '', timeoutMs = ''] = process.argv.slice(2);
const logger = silentLogger();
const connect = clientFactory({ brokers: [brokers], logger, closeTimeoutMs: 500 });
const admin = createAdmin(connect, 1_000);
try {
  const onMessage = () => true;
  await readTopic({ connect, admin, topic, logger, timeoutMs: Number(timeoutMs), onMessage });
  process.stdout.write('READ\n');
} catch (error) {
  if (!(error instanceof PortError)) throw error;
  process.stdout.write(`${error.code}\n`);
}
await admin.close();
