import { ProjectionsService } from '@eventstore/db-client/generated/projections_grpc_pb.js';
import pb from '@eventstore/db-client/generated/projections_pb.js';
import {
  Server,
  ServerCredentials,
  status,
  type sendUnaryData,
  type ServerUnaryCall,
  type ServerWritableStream,
} from '@grpc/grpc-js';
import struct from 'google-protobuf/google/protobuf/struct_pb.js';
import { batchAppend } from '../../../src/embedded-eventstore/grpc/batch-append.js';
import { createCalls } from '../../../src/embedded-eventstore/grpc/calls.js';
import { readCall } from '../../../src/embedded-eventstore/grpc/read.js';
import { boundedStreamsService } from '../../../src/embedded-eventstore/grpc/request-shapes.js';
import { openEventLog } from '../../../src/embedded-eventstore/log/open-event-log.js';
import { silentLogger } from '../../../src/platform/observability/logger.js';
import type { ProjectionStatus } from '../../../src/ports/projections.js';
import { temporaryDirectory } from '../temporary-directory.js';
import type { EngineModel } from './engine.js';

type Named = { getOptions(): { getName(): string } | undefined };
type Call<Request> = ServerUnaryCall<Request, unknown>;
type Answer<Response> = sendUnaryData<Response>;

export interface ProjectionServerOptions {
  readonly engine: EngineModel;
  /** Servers before 24.2 said it in a sentence. */
  readonly saysNotFound?: 'by code' | 'in a sentence';
}

/** Streams as the embedded node serves them, and projections as a full server would. */
export const projectionServer = async ({
  engine,
  saysNotFound = 'by code',
}: ProjectionServerOptions) => {
  const directory = await temporaryDirectory();
  const logger = silentLogger();
  const log = await openEventLog({ directory: directory.path, logger });
  const calls = createCalls();
  const context = { log, calls, logger, maxAppendBytes: 1024 * 1024, appendTimeoutMs: 2000 };
  const server = new Server();
  server.addService(boundedStreamsService, {
    read: readCall(context),
    batchAppend: batchAppend(context),
  });

  const missing = () =>
    saysNotFound === 'by code'
      ? { code: status.NOT_FOUND, details: 'Projection not found' }
      : { code: status.UNKNOWN, details: expected('NotFound') };

  /** The server says what went wrong in its log alone. */
  const answer = <Response>(callback: Answer<Response>, response: Response, act: () => void) => {
    try {
      act();
      callback(null, response);
    } catch {
      callback({ code: status.UNKNOWN, details: expected('OperationFailed') });
    }
  };

  const toNamed =
    <Response>(response: Response, act: (name: string) => void) =>
    ({ request }: Call<Named>, callback: Answer<Response>) => {
      const name = request.getOptions()?.getName() ?? '';
      if (engine.has(name)) answer(callback, response, () => act(name));
      else callback(missing());
    };

  server.addService(ProjectionsService, {
    create: ({ request }: Call<pb.CreateReq>, callback: Answer<pb.CreateResp>) =>
      answer(callback, new pb.CreateResp(), () => {
        const options = request.getOptions();
        const name = options?.getContinuous()?.getName() ?? '';
        const emit = options?.getContinuous()?.getEmitEnabled() ?? false;
        if (engine.has(name)) throw new Error('Duplicate projection name.');
        engine.create({ name, query: options?.getQuery() ?? '', emit });
      }),
    update: ({ request }: Call<pb.UpdateReq>, callback: Answer<pb.UpdateResp>) =>
      answer(callback, new pb.UpdateResp(), () => {
        const options = request.getOptions();
        const [name, query] = [options?.getName() ?? '', options?.getQuery() ?? ''];
        engine.update({ name, query, emit: options?.getEmitEnabled() ?? false });
      }),
    reset: toNamed(new pb.ResetResp(), engine.reset),
    enable: toNamed(new pb.EnableResp(), engine.enable),
    disable: toNamed(new pb.DisableResp(), engine.disable),
    statistics: (call: ServerWritableStream<pb.StatisticsReq, pb.StatisticsResp>) => {
      engine.run();
      for (const each of engine.statuses()) call.write(statisticsOf(each));
      call.end();
    },
    state: ({ request }: Call<pb.StateReq>, callback: Answer<pb.StateResp>) => {
      const name = request.getOptions()?.getName() ?? '';
      if (!engine.has(name)) {
        callback(missing());
        return;
      }
      engine.run();
      const state = engine.stateOf(name, request.getOptions()?.getPartition() ?? '') ?? {};
      const value = struct.Value.fromJavaScript(state as struct.JavaScriptValue);
      callback(null, new pb.StateResp().setState(value));
    },
  });

  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  return {
    connectionString: `esdb://127.0.0.1:${port}?tls=false`,
    stop: async () => {
      server.forceShutdown();
      await log.close();
      await directory.remove();
    },
  };
};

const expected = (message: string): string =>
  `Envelope callback expected Updated, received ${message} instead`;

const statisticsOf = ({ name, status: word, condition, ...rest }: ProjectionStatus) =>
  new pb.StatisticsResp().setDetails(
    new pb.StatisticsResp.Details()
      .setName(name)
      .setStatus(condition === 'faulted' ? 'Faulted (Enabled)' : word)
      .setStatereason(rest.reason)
      .setProgress(rest.progress)
      .setPosition(rest.position),
  );
