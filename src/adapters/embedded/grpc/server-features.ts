import serverfeatures from '@eventstore/db-client/generated/serverfeatures_pb.js';
import type shared from '@eventstore/db-client/generated/shared_pb.js';
import { unary, type ServiceContext } from './handlers.js';

/** The EventStoreDB whose behaviour this server follows; clients read three numbers. */
const SERVER_VERSION = '24.10.0';
const STREAMS = 'event_store.client.streams.streams';

export interface Features {
  /** Whether clients are told to append over one long call instead of one call per append. */
  readonly batchAppend: boolean;
}

export const getSupportedMethods = (context: ServiceContext, { batchAppend }: Features) => {
  const methods = [
    'read',
    'append',
    'delete',
    'tombstone',
    ...(batchAppend ? ['batchappend'] : []),
  ];
  return unary<shared.Empty, serverfeatures.SupportedMethods>(context, () => {
    const supported = new serverfeatures.SupportedMethods();
    supported.setEventStoreServerVersion(SERVER_VERSION);
    for (const name of methods) {
      const method = new serverfeatures.SupportedMethod();
      supported.addMethods(method.setServiceName(STREAMS).setMethodName(name));
    }
    return Promise.resolve(supported);
  });
};
