import { MonitoringService } from '@eventstore/db-client/generated/monitoring_grpc_pb.js';
import { OperationsService } from '@eventstore/db-client/generated/operations_grpc_pb.js';
import { PersistentSubscriptionsService } from '@eventstore/db-client/generated/persistent_grpc_pb.js';
import { ProjectionsService } from '@eventstore/db-client/generated/projections_grpc_pb.js';
import { UsersService } from '@eventstore/db-client/generated/users_grpc_pb.js';
import type {
  ServiceDefinition,
  ServerUnaryCall,
  sendUnaryData,
  UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { unimplemented } from './rpc-error.js';

const WHERE = 'Use a full EventStoreDB or KurrentDB server for that.';

/** Refused with a sentence instead of grpc's "does not implement the method". */
export const unsupportedServices: readonly [ServiceDefinition, string][] = [
  [ProjectionsService, `The embedded event store runs no projections. ${WHERE}`],
  [
    PersistentSubscriptionsService,
    `The embedded event store has no persistent subscriptions. ${WHERE}`,
  ],
  [UsersService, `The embedded event store has no users. ${WHERE}`],
  [OperationsService, `The embedded event store has no operations to start. ${WHERE}`],
  [MonitoringService, `The embedded event store has no statistics. ${WHERE}`],
];

export const refusing = (
  service: ServiceDefinition,
  sentence: string,
): UntypedServiceImplementation =>
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
