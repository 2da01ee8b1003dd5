import kafkajs from 'kafkajs';
import { eventually } from '../eventually.js';

const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } = kafkajs;

const OF_ANYBODY = {
  resourceType: AclResourceTypes.ANY,
  resourcePatternType: ResourcePatternTypes.ANY,
  operation: AclOperationTypes.ANY,
  permissionType: AclPermissionTypes.ANY,
};

export interface Right {
  readonly on: 'TOPIC' | 'GROUP';
  readonly name: string;
  /** Whether it holds for every name that begins so. */
  readonly isPrefix?: boolean;
  readonly to: readonly ('CREATE' | 'DELETE' | 'DESCRIBE_CONFIGS' | 'READ' | 'WRITE')[];
}

/** Lets a user of a broker that asks for rights do something. */
export const grant = async (
  brokers: string,
  user: string,
  rights: readonly Right[],
): Promise<void> => {
  const acl = rights.flatMap(({ on, name, isPrefix = false, to }) =>
    to.map((operation) => ({
      resourceType: AclResourceTypes[on],
      resourceName: name,
      resourcePatternType: ResourcePatternTypes[isPrefix ? 'PREFIXED' : 'LITERAL'],
      principal: `User:${user}`,
      host: '*',
      operation: AclOperationTypes[operation],
      permissionType: AclPermissionTypes.ALLOW,
    })),
  );
  const names = new Set(rights.map(({ name }) => name));
  const admin = new kafkajs.Kafka({ brokers: brokers.split(',') }).admin();
  await admin.connect();
  await admin.createAcls({ acl });
  // They hold once the broker has heard of them.
  await eventually(async () => {
    const { resources } = await admin.describeAcls(OF_ANYBODY);
    const ours = resources.filter(({ resourceName }) => names.has(resourceName));
    const holding = ours.flatMap(({ acls }) => acls).length;
    if (holding < acl.length) throw new Error('Not all rights hold yet.');
  });
  await admin.disconnect();
};
