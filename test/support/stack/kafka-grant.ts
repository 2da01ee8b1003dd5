import kafkajs from 'kafkajs';

const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } = kafkajs;

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
  const admin = new kafkajs.Kafka({ brokers: brokers.split(',') }).admin();
  await admin.connect();
  await admin.createAcls({ acl });
  await admin.disconnect();
};
