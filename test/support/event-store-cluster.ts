import { GossipService } from '@eventstore/db-client/generated/gossip_grpc_pb.js';
import gossip from '@eventstore/db-client/generated/gossip_pb.js';
import {
  ServerFeaturesClient,
  ServerFeaturesService,
} from '@eventstore/db-client/generated/serverfeatures_grpc_pb.js';
import shared from '@eventstore/db-client/generated/shared_pb.js';
import statuses from '@eventstore/db-client/generated/status_pb.js';
import { StreamsClient, StreamsService } from '@eventstore/db-client/generated/streams_grpc_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import {
  credentials,
  Metadata,
  type sendUnaryData,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  status,
} from '@grpc/grpc-js';
import any from 'google-protobuf/google/protobuf/any_pb.js';
import { freePort } from './free-port.js';
import type { BatchServerCall, ReadServerCall } from './scripted-server.js';

/** Nodes that behave as those of an EventStoreDB cluster towards a client, in front of one log. */
export interface EventStoreCluster {
  /** `host:port` of each node. */
  readonly hosts: readonly string[];
  /** Makes a node the leader, or none: then the others answer writes with "Server Is Not Ready". */
  elect(node: number | null): void;
  /** Ends a node at once, with the answers it owes. */
  kill(node: number): void;
  start(node: number): Promise<void>;
  /** How often a node sent a client to the leader. */
  redirected(): number;
  stop(): Promise<void>;
}

const { FOLLOWER, LEADER } = gossip.MemberInfo.VNodeState;
const LOOPBACK = '127.0.0.1';

/**
 * A follower forwards writes and serves subscriptions; reads that require the leader it refuses with
 * "not-leader" and the leader's address. The log itself is never lost, as one that a majority has.
 */
export const eventStoreCluster = async (
  log: { readonly port: number },
  size: number,
): Promise<EventStoreCluster> => {
  const upstream = new StreamsClient(`${LOOPBACK}:${log.port}`, credentials.createInsecure());
  const features = new ServerFeaturesClient(
    `${LOOPBACK}:${log.port}`,
    credentials.createInsecure(),
  );
  const ports = await Promise.all(Array.from({ length: size }, () => freePort()));
  const running = new Map<number, Server>();
  let leader: number | null = 0;
  let redirects = 0;

  const readGossip = (_call: unknown, answer: sendUnaryData<gossip.ClusterInfo>): void => {
    const cluster = new gossip.ClusterInfo();
    for (const [node, port] of ports.entries()) {
      const member = new gossip.MemberInfo()
        .setInstanceId(new shared.UUID().setString(`00000000-0000-4000-8000-00000000000${node}`))
        .setTimeStamp(Date.now().toString())
        .setState(node === leader ? LEADER : FOLLOWER)
        .setIsAlive(running.has(node))
        .setHttpEndPoint(new gossip.EndPoint().setAddress(LOOPBACK).setPort(port));
      cluster.addMembers(member);
    }
    answer(null, cluster);
  };

  const refusal = () => {
    if (leader === null) {
      return { code: status.UNKNOWN, details: 'No leader info available in response' };
    }
    redirects += 1;
    const metadata = new Metadata();
    metadata.set('exception', 'not-leader');
    metadata.set('leader-endpoint-host', LOOPBACK);
    metadata.set('leader-endpoint-port', String(ports[leader]));
    return { code: status.NOT_FOUND, details: 'Leader info available', metadata };
  };

  const read = (node: number) => (call: ReadServerCall) => {
    const needsLeader = call.metadata.get('requires-leader')[0] === 'true';
    if (needsLeader && node !== leader) return void call.emit('error', refusal());
    const from = upstream.read(call.request);
    call.on('cancelled', () => {
      from.cancel();
    });
    from
      .on('data', (response: streams.ReadResp) => call.write(response))
      .on('end', () => {
        call.end();
      })
      .on('error', (error) => call.emit('error', error));
  };

  const notReady = (request: streams.BatchAppendReq): streams.BatchAppendResp => {
    const details = new any.Any();
    details.pack(new Uint8Array(), 'google.protobuf.Empty');
    return new streams.BatchAppendResp()
      .setCorrelationId(request.getCorrelationId())
      .setStreamIdentifier(request.getOptions()?.getStreamIdentifier())
      .setError(new statuses.Status().setMessage('Server Is Not Ready').setDetails(details));
  };

  const batchAppend = (call: BatchServerCall): void => {
    const to = upstream.batchAppend();
    call.on('cancelled', () => {
      to.cancel();
    });
    call
      .on('data', (request: streams.BatchAppendReq) => {
        if (leader === null) call.write(notReady(request));
        else to.write(request);
      })
      .on('end', () => {
        to.end();
      });
    to.on('data', (response: streams.BatchAppendResp) => call.write(response))
      .on('end', () => {
        call.end();
      })
      .on('error', (error) => call.emit('error', error));
  };

  const start = async (node: number): Promise<void> => {
    const server = new Server();
    server.addService(StreamsService, { read: read(node), batchAppend });
    server.addService(GossipService, { read: readGossip });
    server.addService(ServerFeaturesService, {
      getSupportedMethods: (
        { request }: ServerUnaryCall<shared.Empty, never>,
        answer: sendUnaryData<unknown>,
      ) => {
        features.getSupportedMethods(request, answer);
      },
    });
    await new Promise<void>((resolve, reject) => {
      server.bindAsync(
        `${LOOPBACK}:${ports[node]}`,
        ServerCredentials.createInsecure(),
        (error) => {
          if (error === null) resolve();
          else reject(error);
        },
      );
    });
    running.set(node, server);
  };

  const kill = (node: number): void => {
    running.get(node)?.forceShutdown();
    running.delete(node);
  };

  for (const node of ports.keys()) await start(node);
  return {
    hosts: ports.map((port) => `${LOOPBACK}:${port}`),
    elect: (node) => {
      leader = node;
    },
    kill,
    start,
    redirected: () => redirects,
    stop: () => {
      for (const node of [...running.keys()]) kill(node);
      for (const client of [upstream, features]) client.close();
      return Promise.resolve();
    },
  };
};
