import { randomUUID } from 'node:crypto';
import pb from '@eventstore/db-client/generated/projections_pb.js';
import shared from '@eventstore/db-client/generated/shared_pb.js';
import { type Server, status } from '@grpc/grpc-js';
import struct from 'google-protobuf/google/protobuf/struct_pb.js';
import {
  type ProjectionEngine,
  ProjectionError,
  type ProjectionErrorCode,
  type ProjectionStatistics,
  type ProjectionText,
} from '../projections/engine.js';
import { createSender, serverStreaming, type ServiceContext, unary } from './calls.js';
import { boundedProjectionsService } from './request-shapes.js';
import { invalidArgument, RpcError, unavailable } from './rpc-error.js';

/** Serves the projections of an engine as EventStoreDB does. */
export const addProjections = (
  server: Server,
  context: ServiceContext,
  engine: ProjectionEngine,
): void => {
  /** A write must finish before the server stops. */
  const changing = <Req, Res>(response: () => Res, change: (request: Req) => Promise<void>) =>
    unary<Req, Res>(context, async (request) => {
      await context.calls.finish(answered('Updated', () => change(request)));
      return response();
    });

  server.addService(boundedProjectionsService, {
    create: changing(
      () => new pb.CreateResp(),
      (request: pb.CreateReq) => engine.create(projectionTextOf(request.getOptions())),
    ),
    update: changing(
      () => new pb.UpdateResp(),
      (request: pb.UpdateReq) => {
        const options = requiredOptions(request.getOptions());
        const emitEnabled = options.hasEmitEnabled() ? options.getEmitEnabled() : undefined;
        return engine.update(options.getName(), options.getQuery(), emitEnabled);
      },
    ),
    delete: changing(
      () => new pb.DeleteResp(),
      (request: pb.DeleteReq) => {
        const options = requiredOptions(request.getOptions());
        return engine.delete(options.getName(), {
          emittedStreams: options.getDeleteEmittedStreams(),
          stateStream: options.getDeleteStateStream(),
          checkpointStream: options.getDeleteCheckpointStream(),
        });
      },
    ),
    enable: changing(
      () => new pb.EnableResp(),
      (request: pb.EnableReq) => engine.enable(requiredOptions(request.getOptions()).getName()),
    ),
    disable: changing(
      () => new pb.DisableResp(),
      (request: pb.DisableReq) => {
        const options = requiredOptions(request.getOptions());
        return engine.disable(options.getName(), options.getWriteCheckpoint());
      },
    ),
    reset: changing(
      () => new pb.ResetResp(),
      (request: pb.ResetReq) => engine.reset(requiredOptions(request.getOptions()).getName()),
    ),
    restartSubsystem: changing(
      () => new shared.Empty(),
      () => engine.restart(),
    ),
    state: unary<pb.StateReq, pb.StateResp>(context, async (request) => {
      const options = requiredOptions(request.getOptions());
      const [name, partition] = [options.getName(), options.getPartition()];
      const json = await answered('ProjectionState', () => engine.state(name, partition));
      return new pb.StateResp().setState(stateValue(json));
    }),
    result: unary<pb.ResultReq, pb.ResultResp>(context, async (request) => {
      const options = requiredOptions(request.getOptions());
      const [name, partition] = [options.getName(), options.getPartition()];
      const json = await answered('ProjectionResult', () => engine.result(name, partition));
      return new pb.ResultResp().setResult(stateValue(json));
    }),
    statistics: serverStreaming<pb.StatisticsReq, pb.StatisticsResp>(
      context,
      async (call, signal) => {
        const asked = requiredOptions(call.request.getOptions());
        const shown = await answered('Statistics', () => chosen(engine.statistics(), asked));
        const send = createSender(call, signal);
        for (const one of shown) {
          await send(new pb.StatisticsResp().setDetails(statisticsDetails(one)));
        }
      },
    ),
  });
};

const requiredOptions = <T>(options: T | undefined): T => {
  if (options === undefined) throw invalidArgument('The request has no options.');
  return options;
};

const projectionTextOf = (given: pb.CreateReq.Options | undefined): ProjectionText => {
  const options = requiredOptions(given);
  const query = options.getQuery();
  const silent = { query, emitEnabled: false, trackEmittedStreams: false };
  const [continuous, transient] = [options.getContinuous(), options.getTransient()];
  if (transient !== undefined) return { ...silent, name: transient.getName(), mode: 'transient' };
  if (options.hasOneTime()) return { ...silent, name: randomUUID(), mode: 'one-time' };
  if (continuous === undefined) throw invalidArgument('The request names no mode.');
  return {
    query,
    name: continuous.getName(),
    mode: 'continuous',
    emitEnabled: continuous.getEmitEnabled(),
    trackEmittedStreams: continuous.getTrackEmittedStreams(),
  };
};

/** The message that EventStoreDB's engine would answer with. */
const ENVELOPES: Readonly<Partial<Record<ProjectionErrorCode, string>>> = {
  conflict: 'Conflict',
  'not-found': 'NotFound',
  refused: 'OperationFailed',
};

/** Failures in EventStoreDB's words, followed by why where the engine says it. */
const answered = async <T>(expected: string, call: () => Promise<T> | T): Promise<T> => {
  try {
    return await call();
  } catch (error) {
    if (!(error instanceof ProjectionError)) throw error;
    const { code, message } = error;
    if (code === 'closed') throw unavailable(message);
    // EventStoreDB does not answer at all: this is how that ends for its clients.
    if (code === 'no-state') throw new RpcError(status.DEADLINE_EXCEEDED, message);
    const received = `Envelope callback expected ${expected}, received ${ENVELOPES[code] ?? code} instead`;
    throw new RpcError(status.UNKNOWN, code === 'refused' ? `${received}: ${message}` : received);
  }
};

/** Where there is no state, the server answers an empty object. */
const stateValue = (json: string | undefined): struct.Value =>
  struct.Value.fromJavaScript(
    (json === undefined || json === '' ? {} : JSON.parse(json)) as struct.JavaScriptValue,
  );

const { ModeCase } = pb.StatisticsReq.Options;

const chosen = (
  all: readonly ProjectionStatistics[],
  options: pb.StatisticsReq.Options,
): readonly ProjectionStatistics[] => {
  const ofMode = (wanted: ProjectionStatistics['mode']) =>
    all.filter(({ mode }) => mode === wanted);
  switch (options.getModeCase()) {
    case ModeCase.CONTINUOUS:
      return ofMode('Continuous');
    case ModeCase.TRANSIENT:
      return ofMode('Transient');
    case ModeCase.ONE_TIME:
      return ofMode('OneTime');
    case ModeCase.NAME:
      return options.getName() === '' ? all : [projectionNamed(all, options.getName())];
    default:
      return all;
  }
};

const projectionNamed = (
  all: readonly ProjectionStatistics[],
  wanted: string,
): ProjectionStatistics => {
  const found = all.find(({ name }) => name === wanted);
  if (found !== undefined) return found;
  throw new ProjectionError('not-found', `There is no projection ${wanted}.`);
};

/** Whole numbers that JavaScript's stubs take as texts. */
const whole = (value: number): string => Math.trunc(value).toString();

const statisticsDetails = (of: ProjectionStatistics): pb.StatisticsResp.Details =>
  new pb.StatisticsResp.Details()
    .setName(of.name)
    .setEffectivename(of.effectiveName)
    .setMode(of.mode)
    .setStatus(of.status)
    .setStatereason(of.stateReason)
    .setCheckpointstatus(of.checkpointStatus)
    .setProgress(of.progress)
    .setPosition(of.position)
    .setLastcheckpoint(of.lastCheckpoint)
    .setEventsprocessedafterrestart(whole(of.eventsProcessedAfterRestart))
    .setCoreprocessingtime(whole(of.coreProcessingTime))
    .setVersion(whole(of.version))
    .setEpoch(whole(of.epoch))
    .setReadsinprogress(of.readsInProgress)
    .setWritesinprogress(of.writesInProgress)
    .setPartitionscached(of.partitionsCached)
    .setBufferedevents(whole(of.bufferedEvents))
    .setWritependingeventsbeforecheckpoint(of.writePendingEventsBeforeCheckpoint)
    .setWritependingeventsaftercheckpoint(of.writePendingEventsAfterCheckpoint);
