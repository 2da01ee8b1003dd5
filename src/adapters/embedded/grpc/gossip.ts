import gossip from '@eventstore/db-client/generated/gossip_pb.js';
import type shared from '@eventstore/db-client/generated/shared_pb.js';
import { randomUUID } from 'node:crypto';
import { unary, type ServiceContext } from './handlers.js';
import { uuidMessage } from './identifiers.js';

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** A cluster of one, which leads, so that clients that look for a leader find this server. */
export const readGossip = (context: ServiceContext, bound: () => Endpoint) => {
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

/** Where the client found the server, behind a mapped port too, it will find it again. */
const endpointOf = (authority: string): Endpoint | undefined => {
  const [, host, port] = /^(\[[\da-fA-F:.]+\]|[^[\]:@/\s]+):(\d{1,5})$/.exec(authority) ?? [];
  if (host === undefined) return undefined;
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(port) };
};
