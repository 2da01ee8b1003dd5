import { randomUUID } from 'node:crypto';
import type { RequestListener } from 'node:http';
import { GossipService } from '@eventstore/db-client/generated/gossip_grpc_pb.js';
import gossip from '@eventstore/db-client/generated/gossip_pb.js';
import { MonitoringService } from '@eventstore/db-client/generated/monitoring_grpc_pb.js';
import { OperationsService } from '@eventstore/db-client/generated/operations_grpc_pb.js';
import { PersistentSubscriptionsService } from '@eventstore/db-client/generated/persistent_grpc_pb.js';
import { ProjectionsService } from '@eventstore/db-client/generated/projections_grpc_pb.js';
import { ServerFeaturesService } from '@eventstore/db-client/generated/serverfeatures_grpc_pb.js';
import serverfeatures from '@eventstore/db-client/generated/serverfeatures_pb.js';
import type shared from '@eventstore/db-client/generated/shared_pb.js';
import { UsersService } from '@eventstore/db-client/generated/users_grpc_pb.js';
import {
  type sendUnaryData,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import type { EventLog, EventLogLogger } from '../log/event-log.js';
import type { ProjectionEngine } from '../projections/engine.js';
import { appendCall, deleteStream, tombstoneStream } from './append.js';
import { batchAppend } from './batch-append.js';
import { abortablePause, type Calls, createCalls, type ServiceContext, unary } from './calls.js';
import { listenForBoth } from './listener.js';
import { addProjections } from './projections.js';
import { readCall } from './read.js';
import { boundedStreamsService, unread, uuidMessage } from './request-shapes.js';
import { unimplemented } from './rpc-error.js';

export interface GrpcServerOptions {
  readonly log: EventLog;
  /** Without one, its calls are refused. */
  readonly projections?: ProjectionEngine;
  /** 0 picks a free port. */
  readonly port: number;
  /** There is no authentication: any address but loopback exposes the log to the network. */
  readonly host?: string;
  readonly logger: EventLogLogger;
  readonly features?: Features;
  /** The largest append, counted as EventStoreDB does. The log has a limit of its own. */
  readonly maxAppendBytes?: number;
  /** How long to wait for the log to confirm a write before reporting a timeout. */
  readonly appendTimeoutMs?: number;
  /** How long shutdown waits for pending writes, and then for clients to read the responses. */
  readonly drainTimeoutMs?: number;
  /** The page for browsers that open the port; by default one sentence. */
  readonly page?: RequestListener;
  /** How long a connection may take to send its first bytes. */
  readonly firstRequestMs?: number;
}

export interface GrpcServer {
  readonly port: number;
  /** Refuses new calls, answers writes in progress, ends everything else. May be called twice. */
  close(): Promise<void>;
}

const TRANSPORT = {
  // The limit of the official clients; they send appends in parts of up to 3 MiB.
  'grpc.max_receive_message_length': 17 * 1024 * 1024,
  'grpc.max_concurrent_streams': 1000,
  // A client that disappeared must not keep its subscriptions.
  'grpc.keepalive_time_ms': 30_000,
  'grpc.keepalive_timeout_ms': 20_000,
  'grpc.enable_channelz': 0,
};

/**
 * Serves appends, reads, subscriptions, deletes and projections over EventStoreDB's protocol.
 * Everything else is answered with UNIMPLEMENTED. Rejects if the port is taken.
 */
export const startGrpcServer = async ({
  log,
  projections,
  port,
  host = '127.0.0.1',
  logger,
  features = { batchAppend: true },
  maxAppendBytes = 1024 * 1024,
  appendTimeoutMs = 2000,
  drainTimeoutMs = 5000,
  page = answerSentence,
  firstRequestMs = 10_000,
}: GrpcServerOptions): Promise<GrpcServer> => {
  const calls = createCalls();
  const server = new Server(TRANSPORT);
  let boundPort = port;
  const context: ServiceContext = { log, calls, logger, maxAppendBytes, appendTimeoutMs };
  addStreams(server, context, features);
  server.addService(unread(ServerFeaturesService), {
    getSupportedMethods: getSupportedMethods(context, features, projections !== undefined),
  });
  server.addService(unread(GossipService), {
    read: readGossip(context, () => ({ host, port: boundPort })),
  });
  const refused = [...unsupportedServices];
  if (projections === undefined) refused.push([ProjectionsService, NO_ENGINE]);
  else addProjections(server, context, projections);
  for (const [service, sentence] of refused) {
    server.addService(unread(service), refusing(service, sentence));
  }
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const listener = await listenForBoth({
    host,
    port,
    page,
    deadlineMs: firstRequestMs,
    onHttp2: (socket) => injector.injectConnection(socket),
  }).catch((error: unknown) => {
    const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
    throw new Error(`The event store cannot listen on ${address}.`, { cause: error });
  });
  boundPort = listener.port;
  logger.info('event store listening for gRPC', { host, port: boundPort });

  let closed: Promise<void> | undefined;
  return {
    port: boundPort,
    close: () => {
      listener.close();
      return (closed ??= shutDown(server, calls, drainTimeoutMs));
    },
  };
};

/** Methods that are not registered are answered with UNIMPLEMENTED by gRPC. */
const addStreams = (server: Server, context: ServiceContext, features: Features): void =>
  server.addService(boundedStreamsService, {
    read: readCall(context),
    append: appendCall(context),
    ...(features.batchAppend ? { batchAppend: batchAppend(context) } : {}),
    delete: deleteStream(context),
    tombstone: tombstoneStream(context),
  });

const NOT_A_WEB_PAGE =
  'This is an event store that speaks gRPC. Connect to it with an EventStoreDB client.\n';

const answerSentence: RequestListener = (_req, res) => {
  res.writeHead(404, { 'Content-Type': 'text/plain; charset=utf-8' }).end(NOT_A_WEB_PAGE);
};

interface GrpcEndpoint {
  readonly host: string;
  readonly port: number;
}

/** A cluster of one leader, so that clients looking for a leader find this server. */
const readGossip = (context: ServiceContext, bound: () => GrpcEndpoint) => {
  const instanceId = uuidMessage(randomUUID(), 'string');
  return unary<shared.Empty, gossip.ClusterInfo>(context, (_request, call) => {
    const { host, port } = endpointOf(call.getHost()) ?? bound();
    const member = new gossip.MemberInfo();
    member.setInstanceId(instanceId);
    member.setTimeStamp(Date.now().toString());
    member.setState(gossip.MemberInfo.VNodeState.LEADER);
    member.setIsAlive(true);
    member.setHttpEndPoint(new gossip.EndPoint().setAddress(host).setPort(port));
    const cluster = new gossip.ClusterInfo();
    cluster.addMembers(member);
    return Promise.resolve(cluster);
  });
};

/** The address that the client used: it also works behind a mapped port. */
const endpointOf = (authority: string): GrpcEndpoint | undefined => {
  const [, host, port] = /^(\[[\da-fA-F:.]+\]|[^[\]:@/\s]+):(\d{1,5})$/.exec(authority) ?? [];
  if (host === undefined) return undefined;
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(port) };
};

/** The EventStoreDB version whose behaviour this server follows; clients read three numbers. */
const SERVER_VERSION = '24.10.0';

interface Features {
  /** Whether to advertise batch appends: one long call instead of one call per append. */
  readonly batchAppend: boolean;
}

/** Clients compare them in lower case, as EventStoreDB writes them. */
const STREAM_METHODS = ['read', 'append', 'delete', 'tombstone'];
const PROJECTION_METHODS = Object.keys(ProjectionsService).map((name) => name.toLowerCase());

const getSupportedMethods = (
  context: ServiceContext,
  { batchAppend: inBatches }: Features,
  hasEngine: boolean,
) => {
  const streams = [...STREAM_METHODS, ...(inBatches ? ['batchappend'] : [])];
  const services = [['streams', streams] as const];
  const all = hasEngine ? [...services, ['projections', PROJECTION_METHODS] as const] : services;
  return unary<shared.Empty, serverfeatures.SupportedMethods>(context, () => {
    const supported = new serverfeatures.SupportedMethods();
    supported.setEventStoreServerVersion(SERVER_VERSION);
    for (const [service, methods] of all) {
      for (const name of methods) {
        const method = new serverfeatures.SupportedMethod()
          .setServiceName(`event_store.client.${service}.${service}`)
          .setMethodName(name);
        if (service === 'projections' && name === 'create') method.addFeatures(TRACKING);
        supported.addMethods(method);
      }
    }
    return Promise.resolve(supported);
  });
};

/** Without it, clients create a projection that tracks what it emits over HTTP. */
const TRACKING = 'track_emitted_streams';

/**
 * Ending a call normally with pending appends would leave the client waiting for ever: appends are
 * answered first, then a call ends with an error or with its connection.
 */
const shutDown = async (server: Server, calls: Calls, drainTimeoutMs: number): Promise<void> => {
  const gone = new AbortController();
  const left = new Promise<void>((resolve) => {
    server.tryShutdown(() => {
      gone.abort();
      resolve();
    });
  });
  await calls.stop(drainTimeoutMs);
  await Promise.race([left, abortablePause(drainTimeoutMs, gone.signal)]);
  server.forceShutdown();
};

const WHERE = 'Use a full EventStoreDB or KurrentDB server for that.';

const NO_ENGINE = 'The embedded event store runs without its engine for projections here.';

/** A clear message instead of grpc's "does not implement the method". */
const unsupportedServices: readonly [ServiceDefinition, string][] = [
  [
    PersistentSubscriptionsService,
    `The embedded event store has no persistent subscriptions. ${WHERE}`,
  ],
  [UsersService, `The embedded event store has no users. ${WHERE}`],
  [OperationsService, `The embedded event store has no maintenance operations. ${WHERE}`],
  [MonitoringService, `The embedded event store has no statistics. ${WHERE}`],
];

const refusing = (service: ServiceDefinition, sentence: string): UntypedServiceImplementation =>
  Object.fromEntries(
    Object.entries(service).map(([name, { responseStream }]) => [
      name,
      responseStream ? refuseStream(sentence) : refuseCall(sentence),
    ]),
  );

const refuseCall =
  (sentence: string) =>
  (_call: ServerUnaryCall<unknown, unknown>, callback: sendUnaryData<unknown>) =>
    callback(unimplemented(sentence));

const refuseStream = (sentence: string) => (call: NodeJS.EventEmitter) =>
  void call.emit('error', unimplemented(sentence));
