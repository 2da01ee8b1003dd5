import { DeadlineExceededError, UnavailableError, UnknownError } from '@eventstore/db-client';
import { ProjectionsClient } from '@eventstore/db-client/generated/projections_grpc_pb.js';
import pb from '@eventstore/db-client/generated/projections_pb.js';
import { ServerFeaturesClient } from '@eventstore/db-client/generated/serverfeatures_grpc_pb.js';
import type serverfeatures from '@eventstore/db-client/generated/serverfeatures_pb.js';
import shared from '@eventstore/db-client/generated/shared_pb.js';
import { credentials } from '@grpc/grpc-js';
import { expect } from 'chai';
import {
  type ProjectionEngine,
  ProjectionError,
  type ProjectionErrorCode,
  type ProjectionStatistics,
} from '../../../src/embedded-eventstore/projections/engine.js';
import { withSystemProjections } from '../../../src/embedded-eventstore/projections/system-projections.js';
import { openGrpcNode, type GrpcNode } from '../../support/grpc-node.js';
import { rejectionOf } from '../../support/rejection-of.js';

const STATISTICS: ProjectionStatistics = {
  name: 'carts',
  effectiveName: 'carts',
  mode: 'Continuous',
  status: 'Faulted (Enabled)',
  stateReason: 'It broke.',
  checkpointStatus: 'Idle',
  progress: 99.5,
  position: '{"$ce-cart":23}',
  lastCheckpoint: '{"$ce-cart":20}',
  eventsProcessedAfterRestart: 2 ** 40,
  coreProcessingTime: 12.7,
  version: 3,
  epoch: -1,
  readsInProgress: 1,
  writesInProgress: 2,
  partitionsCached: 3,
  bufferedEvents: 4,
  writePendingEventsBeforeCheckpoint: 5,
  writePendingEventsAfterCheckpoint: 6,
};

const shownMethod = (method: serverfeatures.SupportedMethod): string =>
  [`${method.getServiceName()}/${method.getMethodName()}`, ...method.getFeaturesList()].join(' ');

describe('projections over gRPC', () => {
  let node: GrpcNode;
  let raw: ProjectionsClient;
  let calls: unknown[];
  let failure: ProjectionErrorCode | undefined;
  let json: string | undefined;

  /** Notes each call, and fails where the test wants it to. */
  const noted = (name: string, ...args: readonly unknown[]): Promise<void> => {
    if (failure !== undefined) {
      return Promise.reject(new ProjectionError(failure, 'It is sealed.'));
    }
    calls.push([name, ...args]);
    return Promise.resolve();
  };

  const engine: ProjectionEngine = {
    create: (text) => noted('create', text),
    update: (...args) => noted('update', ...args),
    delete: (...args) => noted('delete', ...args),
    enable: (...args) => noted('enable', ...args),
    disable: (...args) => noted('disable', ...args),
    reset: (...args) => noted('reset', ...args),
    state: async (...args) => {
      await noted('state', ...args);
      return json;
    },
    result: async (...args) => {
      await noted('result', ...args);
      return json;
    },
    statistics: () => [
      STATISTICS,
      { ...STATISTICS, name: 'once', mode: 'OneTime' },
      { ...STATISTICS, name: 'passing', mode: 'Transient' },
    ],
    restart: () => noted('restart'),
    close: () => Promise.resolve(),
  };

  before(async () => {
    node = await openGrpcNode({ projections: (log) => withSystemProjections(engine, log) });
    raw = new ProjectionsClient(`127.0.0.1:${node.server.port}`, credentials.createInsecure());
  });
  after(async () => {
    raw.close();
    await node.stop();
  });
  beforeEach(() => {
    calls = [];
    failure = undefined;
    json = undefined;
  });

  it('are named by the features of the server, with the tracking of emitted streams', async () => {
    const features = new ServerFeaturesClient(
      `127.0.0.1:${node.server.port}`,
      credentials.createInsecure(),
    );
    const methods = await new Promise<readonly string[]>((resolve, reject) => {
      features.getSupportedMethods(new shared.Empty(), (error, response) => {
        if (error !== null) reject(error);
        else resolve(response.getMethodsList().map(shownMethod));
      });
    });
    features.close();
    const service = 'event_store.client.projections.projections';
    expect(methods.filter((each) => each.startsWith(service))).to.deep.equal([
      `${service}/create track_emitted_streams`,
      ...['update', 'delete', 'statistics', 'disable', 'enable'].map(
        (name) => `${service}/${name}`,
      ),
      ...['reset', 'state', 'result', 'restartsubsystem'].map((name) => `${service}/${name}`),
    ]);
    expect(methods).to.include('event_store.client.streams.streams/batchappend');
  });

  it('pass on each call of the official client', async () => {
    const { client } = node;
    await client.createProjection('carts', 'fromAll()', { emitEnabled: true });
    await client.createProjection('tracked', 'fromAll()', {
      emitEnabled: true,
      trackEmittedStreams: true,
    });
    await client.updateProjection('carts', 'fromAll()');
    await client.updateProjection('carts', 'fromAll()', { emitEnabled: false });
    await client.enableProjection('carts');
    await client.disableProjection('carts');
    await client.abortProjection('carts');
    await client.resetProjection('carts');
    await client.deleteProjection('carts', { deleteStateStream: true });
    await client.restartSubsystem();
    const text = { query: 'fromAll()', mode: 'continuous', emitEnabled: true };
    expect(calls).to.deep.equal([
      ['create', { ...text, name: 'carts', trackEmittedStreams: false }],
      ['create', { ...text, name: 'tracked', trackEmittedStreams: true }],
      ['update', 'carts', 'fromAll()', undefined],
      ['update', 'carts', 'fromAll()', false],
      ['enable', 'carts'],
      ['disable', 'carts', true],
      ['disable', 'carts', false],
      ['reset', 'carts'],
      ['delete', 'carts', { emittedStreams: false, stateStream: true, checkpointStream: false }],
      ['restart'],
    ]);
  });

  const create = (options: pb.CreateReq.Options): Promise<void> =>
    new Promise((resolve, reject) => {
      raw.create(new pb.CreateReq().setOptions(options.setQuery('q')), (error) =>
        error === null ? resolve() : reject(error),
      );
    });

  it('create transient and one-time projections, the latter with names of their own', async () => {
    const transient = new pb.CreateReq.Options.Transient().setName('passing');
    await create(new pb.CreateReq.Options().setTransient(transient));
    await create(new pb.CreateReq.Options().setOneTime(new shared.Empty()));
    await create(new pb.CreateReq.Options().setOneTime(new shared.Empty()));
    const texts = calls.map((call) => (call as [string, { name: string; mode: string }])[1]);
    expect(texts.map(({ mode }) => mode)).to.deep.equal(['transient', 'one-time', 'one-time']);
    expect(new Set(texts.map(({ name }) => name)).size).to.equal(3);
  });

  it('return a state and a result as JSON values, and an empty object for none', async () => {
    const { client } = node;
    json = '{"n":1.5,"list":[null,"é",{"deep":true}]}';
    expect(await client.getProjectionState('carts', { partition: 'cart-1' })).to.deep.equal({
      n: 1.5,
      list: [null, 'é', { deep: true }],
    });
    expect(calls).to.deep.equal([['state', 'carts', 'cart-1']]);
    json = '"text"';
    expect(await client.getProjectionResult('carts')).to.equal('text');
    json = undefined;
    expect(await client.getProjectionState('carts')).to.deep.equal({});
  });

  it('return all statistics of a projection', async () => {
    const details = await node.client.getProjectionStatus('carts');
    expect({ ...details, mode: 'Continuous' }).to.deep.equal({
      ...STATISTICS,
      projectionStatus: 'Faulted (Enabled)',
      processingStatus: '',
      eventsProcessedAfterRestart: 2n ** 40n,
      coreProcessingTime: 12n,
      version: 3n,
      epoch: -1n,
      bufferedEvents: 4n,
    });
  });

  const statistics = (choose: (options: pb.StatisticsReq.Options) => unknown) =>
    new Promise<string[]>((resolve, reject) => {
      const options = new pb.StatisticsReq.Options();
      choose(options);
      const names: string[] = [];
      raw
        .statistics(new pb.StatisticsReq().setOptions(options))
        .on('data', (response: pb.StatisticsResp) =>
          names.push(response.getDetails()?.getName() ?? ''),
        )
        .on('error', reject)
        .on('end', () => resolve(names));
    });

  it('list projections by mode or by name, with those of the node itself', async () => {
    const empty = new shared.Empty();
    const system = [
      ...['$by_category', '$by_event_type'],
      ...['$streams', '$stream_by_category', '$by_correlation_id'],
    ];
    expect(await statistics((of) => of.setAll(empty))).to.deep.equal([
      ...[...system, 'carts', 'once', 'passing'],
    ]);
    expect(await statistics((of) => of.setContinuous(empty))).to.deep.equal([...system, 'carts']);
    expect(await statistics((of) => of.setOneTime(empty))).to.deep.equal(['once']);
    expect(await statistics((of) => of.setTransient(empty))).to.deep.equal(['passing']);
    expect(await statistics((of) => of.setName('once'))).to.deep.equal(['once']);
    const missing = await rejectionOf(statistics((of) => of.setName('none')));
    expect((missing as Error).message).to.contain('expected Statistics, received NotFound');
  });

  const MESSAGES: readonly (readonly [ProjectionErrorCode, string])[] = [
    ['conflict', 'Envelope callback expected Updated, received Conflict instead'],
    ['not-found', 'Envelope callback expected Updated, received NotFound instead'],
    [
      'refused',
      'Envelope callback expected Updated, received OperationFailed instead: It is sealed.',
    ],
  ];
  for (const [code, message] of MESSAGES) {
    it(`report ${code} as EventStoreDB does`, async () => {
      failure = code;
      const error = await rejectionOf(node.client.enableProjection('carts'));
      expect(error).to.be.instanceOf(UnknownError);
      expect((error as Error).message).to.equal(`2 UNKNOWN: ${message}`);
    });
  }

  it('report a state that does not exist as a call out of time, at once', async () => {
    failure = 'no-state';
    const error = await rejectionOf(node.client.getProjectionState('carts'));
    expect(error).to.be.instanceOf(DeadlineExceededError);
    expect((error as Error).message).to.contain('It is sealed.');
  });

  it('report a closed engine as unavailable', async () => {
    failure = 'closed';
    const error = await rejectionOf(node.client.getProjectionResult('carts'));
    expect(error).to.be.instanceOf(UnavailableError);
  });

  describe('of the node itself', () => {
    const statusOf = async (name: string) =>
      (await node.client.listProjections()).find((each) => each.name === name)?.status;

    it('always run for categories and event types', async () => {
      for (const name of ['$by_category', '$by_event_type']) {
        await node.client.enableProjection(name);
        const error = await rejectionOf(node.client.disableProjection(name));
        expect((error as Error).message).to.contain('the node always keeps its links');
        expect(await statusOf(name)).to.equal('Running');
      }
    });

    it('can be enabled and disabled for streams and correlations', async () => {
      for (const name of ['$streams', '$stream_by_category', '$by_correlation_id']) {
        expect(await statusOf(name)).to.equal('Stopped');
        await node.client.enableProjection(name);
        expect(await statusOf(name)).to.equal('Running');
        await node.client.disableProjection(name);
        expect(await statusOf(name)).to.equal('Stopped');
      }
    });

    it('can be neither created, changed, reset nor deleted', async () => {
      const { client } = node;
      const refusals = [
        () => client.createProjection('$streams', 'fromAll()'),
        () => client.updateProjection('$by_category', 'fromAll()'),
        () => client.resetProjection('$streams'),
        () => client.deleteProjection('$streams'),
      ];
      for (const call of refusals) {
        expect(await rejectionOf(call())).to.be.instanceOf(UnknownError);
      }
      expect(calls).to.deep.equal([]);
      expect(await client.getProjectionState('$streams')).to.deep.equal({});
    });
  });
});
