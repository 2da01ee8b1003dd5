import { StreamsService } from '@eventstore/db-client/generated/streams_grpc_pb.js';
import type {
  AppendReq,
  AppendResp,
  BatchAppendReq,
  BatchAppendResp,
  ReadReq,
  ReadResp,
} from '@eventstore/db-client/generated/streams_pb.js';
import {
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerWritableStream,
} from '@grpc/grpc-js';

export type ReadServerCall = ServerWritableStream<ReadReq, ReadResp>;
export type BatchServerCall = ServerDuplexStream<BatchAppendReq, BatchAppendResp>;

export interface Script {
  readonly read?: (call: ReadServerCall) => void;
  readonly append?: (call: ServerReadableStream<AppendReq, AppendResp>) => void;
  readonly batchAppend?: (call: BatchServerCall) => void;
}

/** A server that answers as a test tells it; what it is not told it answers as unimplemented. */
export const scriptedServer = async (
  script: Script,
  credentials = ServerCredentials.createInsecure(),
) => {
  const server = new Server();
  server.addService(StreamsService, { ...script });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', credentials, (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  return {
    port,
    connectionString: `esdb://127.0.0.1:${port}?tls=false`,
    stop: () => {
      server.forceShutdown();
    },
  };
};
