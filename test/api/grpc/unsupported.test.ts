import {
  EventStoreDBClient,
  jsonEvent,
  persistentSubscriptionToStreamSettingsFromDefaults,
  START,
  UnknownError,
} from '@eventstore/db-client';
import { expect } from 'chai';
import { randomUUID } from 'node:crypto';
import { openGrpcNode, type GrpcNode } from '../../support/grpc-node.js';
import { rejectionOf } from '../../support/rejection-of.js';

const UNIMPLEMENTED = 12;

describe('the embedded node over gRPC', () => {
  let node: GrpcNode;

  before(async () => {
    node = await openGrpcNode();
  });
  after(() => node.stop());

  const refusals: readonly [string, string, () => Promise<unknown>][] = [
    ['create a projection', 'projections', () => node.client.createProjection('p', 'fromAll()')],
    ['list projections', 'projections', () => node.client.listProjections()],
    ['get a projection state', 'projections', () => node.client.getProjectionState('p')],
    [
      'create a persistent subscription',
      'persistent subscriptions',
      () =>
        node.client.createPersistentSubscriptionToStream(
          'stream',
          'group',
          persistentSubscriptionToStreamSettingsFromDefaults({ startFrom: START }),
        ),
    ],
  ];
  for (const [what, named, call] of refusals) {
    it(`refuses to ${what}, with an explanation`, async () => {
      const error = await rejectionOf(call());
      expect(error).to.be.instanceOf(UnknownError);
      expect(error).to.include({ code: UNIMPLEMENTED });
      expect((error as Error).message)
        .to.contain(`The embedded event store`)
        .and.contain(named);
    });
  }

  it('refuses a persistent subscription', async () => {
    const subscription = node.client.subscribeToPersistentSubscriptionToStream('stream', 'group');
    const error = await new Promise((resolve) => subscription.once('error', resolve));
    expect(error).to.include({ code: UNIMPLEMENTED });
  });

  it('can be discovered by a cluster connection string', async () => {
    await node.client.dispose();
    const client = EventStoreDBClient.connectionString(
      `esdb+discover://127.0.0.1:${node.server.port}?tls=false`,
    );
    const stream = `anime-${randomUUID()}`;
    const result = await client.appendToStream(stream, jsonEvent({ type: 'Clicked', data: {} }));
    expect(result).to.include({ success: true, nextExpectedRevision: 0n });
    await client.dispose();
  });
});
