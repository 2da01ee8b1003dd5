import { EventStoreDBClient } from '@eventstore/db-client';
import {
  startGrpcServer,
  type GrpcServerOptions,
} from '../../src/embedded-eventstore/grpc/server.js';
import type { EventLog } from '../../src/embedded-eventstore/log/event-log.js';
import type { ProjectionEngine } from '../../src/embedded-eventstore/projections/engine.js';
import { openEventLog } from '../../src/embedded-eventstore/log/open-event-log.js';
import { silentLogger } from '../../src/platform/observability/logger.js';
import { temporaryDirectory } from './temporary-directory.js';

export interface GrpcNodeOptions extends Partial<Omit<GrpcServerOptions, 'log' | 'projections'>> {
  /** Without it, calls about projections are refused. */
  readonly projections?: (log: EventLog) => ProjectionEngine;
  /** What the server sees of the log, for a test that has a hand in it. */
  readonly wrap?: (log: EventLog) => EventLog;
}

/** A log in a fresh directory, served over gRPC in this process, with the official client. */
export const openGrpcNode = async ({
  wrap = (log) => log,
  projections,
  ...options
}: GrpcNodeOptions = {}) => {
  const directory = await temporaryDirectory();
  const logger = silentLogger();
  const log = await openEventLog({ directory: directory.path, logger });
  const closeLog = async () => {
    await log.close();
    await directory.remove();
  };
  const server = await startGrpcServer({
    log: wrap(log),
    logger,
    port: 0,
    appendTimeoutMs: 10_000,
    ...(projections === undefined ? {} : { projections: projections(log) }),
    ...options,
  }).catch(async (error: unknown) => {
    await closeLog();
    throw error;
  });
  const client = connect(server.port);
  return {
    log,
    server,
    client,
    stop: async () => {
      await client.dispose();
      await server.close();
      await closeLog();
    },
  };
};

export type GrpcNode = Awaited<ReturnType<typeof openGrpcNode>>;

export const connect = (port: number): EventStoreDBClient =>
  EventStoreDBClient.connectionString(`esdb://127.0.0.1:${port}?tls=false`);
