import { startGrpcServer } from '../../src/embedded-eventstore/grpc/server.js';
import { openEventLog } from '../../src/embedded-eventstore/log/open-event-log.js';
import { openProjectionEngine } from '../../src/embedded-eventstore/projections/open.js';
import { withSystemProjections } from '../../src/embedded-eventstore/projections/system-projections.js';
import { silentLogger } from '../../src/platform/observability/logger.js';
import { connect } from './grpc-node.js';
import { temporaryDirectory } from './temporary-directory.js';

/** Machines that run tests are busy: a slow step is no fault there. */
const EXECUTION_TIMEOUT_MS = 10_000;

/** A log with its projection engine in a fresh directory, served over gRPC in this process. */
export const openProjectionNode = async () => {
  const directory = await temporaryDirectory();
  const logger = silentLogger();
  const log = await openEventLog({ directory: directory.path, logger });
  const engine = await openProjectionEngine({
    log,
    logger,
    executionTimeoutMs: EXECUTION_TIMEOUT_MS,
  });
  const server = await startGrpcServer({
    log,
    projections: withSystemProjections(engine, log),
    logger,
    port: 0,
    appendTimeoutMs: 10_000,
  });
  const client = connect(server.port);
  return {
    client,
    connectionString: `esdb://127.0.0.1:${server.port}?tls=false`,
    stop: async () => {
      await client.dispose();
      await server.close();
      await engine.close();
      await log.close();
      await directory.remove();
    },
  };
};

export type ProjectionNode = Awaited<ReturnType<typeof openProjectionNode>>;
