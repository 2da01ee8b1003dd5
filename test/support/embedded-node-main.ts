import { openEventLog } from '../../src/embedded-eventstore/log/open-event-log.js';
import { startGrpcServer } from '../../src/embedded-eventstore/grpc/server.js';
import { createLogger } from '../../src/platform/observability/logger.js';

/** A process of its own that serves a log: `node embedded-node-main.js DIRECTORY PORT BATCH`. */
const [directory = '', port = '0', batchAppend = 'true'] = process.argv.slice(2);
const logger = createLogger({ level: 'warn', json: false });
const log = await openEventLog({ directory, logger });
const server = await startGrpcServer({
  log,
  logger,
  port: Number(port),
  features: { batchAppend: batchAppend === 'true' },
  // Machines that run tests are busy: a late confirmation is no failure there.
  appendTimeoutMs: 10_000,
});

let stopping = false;
const stop = async () => {
  if (stopping) return;
  stopping = true;
  await server.close();
  await log.close();
  process.stdin.destroy();
};
process.once('SIGTERM', () => void stop());
// A test that dies must not leave its node behind.
process.stdin.on('end', () => void stop()).resume();
process.stdout.write(`listening on ${server.port}\n`);
