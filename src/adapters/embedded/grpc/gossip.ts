import gossip from '@eventstore/db-client/generated/gossip_pb.js';
import type shared from '@eventstore/db-client/generated/shared_pb.js';
import { randomUUID } from 'node:crypto';
import { unary, type ServiceContext } from './handlers.js';
import { uuidMessage } from './identifiers.js';

/** A cluster of one, which leads, so that clients that look for a leader find this server. */
export const readGossip = (
  context: ServiceContext,
  endpoint: () => { readonly host: string; readonly port: number },
) => {
  const instanceId = uuidMessage(randomUUID(), 'string');
  return unary<shared.Empty, gossip.ClusterInfo>(context, () => {
    const { host, port } = endpoint();
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
