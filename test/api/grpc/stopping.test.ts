import {
  DeadlineExceededError,
  EventStoreDBClient,
  jsonEvent,
  START,
  TimeoutError,
  UnavailableError,
} from '@eventstore/db-client';
import { expect } from 'chai';
import { randomUUID } from 'node:crypto';
import type { EventLog } from '../../../src/embedded-eventstore/log/event-log.js';
import { startEmbeddedNode } from '../../support/embedded-node.js';
import { eventually } from '../../support/eventually.js';
import { connect, openGrpcNode } from '../../support/grpc-node.js';
import { rejectionOf } from '../../support/rejection-of.js';
import { temporaryDirectory } from '../../support/temporary-directory.js';

/** A log that settles appends only when released. */
const holdAppends = () => {
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  let begun = 0;
  const wrap = (log: EventLog): EventLog => ({
    ...log,
    append: async (...request) => {
      begun += 1;
      const outcome = await log.append(...request);
      await released;
      return outcome;
    },
  });
  return { wrap, release: () => release(), begun: () => begun };
};

const click = () => jsonEvent({ type: 'Clicked', data: {} });

for (const batchAppend of [true, false]) {
  describe(`stopping the server with appends ${batchAppend ? 'over one call' : 'in a call each'}`, () => {
    const features = { batchAppend };
    let stream: string;

    beforeEach(() => {
      stream = `anime-${randomUUID()}`;
    });

    it('answers the appends in flight, and accepts no more', async () => {
      const held = holdAppends();
      const node = await openGrpcNode({ features, wrap: held.wrap });
      const appending = Promise.all(
        [1, 2, 3].map(() => node.client.appendToStream(stream, click())),
      );
      await eventually(() => expect(held.begun()).to.equal(3));
      const closing = node.server.close();
      const late = rejectionOf(node.client.appendToStream(stream, click()));
      held.release();
      expect((await appending).map(({ success }) => success)).to.deep.equal([true, true, true]);
      expect(await late).to.include({ code: 14 });
      await closing;
      expect(node.log.head(stream)).to.equal(2n);
      await node.stop();
    });

    it('does not leave a client waiting for an append that the log never confirms', async () => {
      const held = holdAppends();
      const node = await openGrpcNode({ features, wrap: held.wrap, drainTimeoutMs: 50 });
      const appending = rejectionOf(node.client.appendToStream(stream, click()));
      await eventually(() => expect(held.begun()).to.equal(1));
      await node.server.close();
      expect(await appending).to.be.instanceOf(UnavailableError);
      held.release();
      await node.stop();
    });

    it('is unavailable once the log is closed', async () => {
      const node = await openGrpcNode({ features });
      await node.client.appendToStream(stream, click());
      await node.log.close();
      const error = await rejectionOf(node.client.appendToStream(stream, click()));
      expect(error).to.be.instanceOf(UnavailableError);
      await node.stop();
    });

    it('reports a time-out for an append that is not confirmed in time', async () => {
      const held = holdAppends();
      const node = await openGrpcNode({ features, wrap: held.wrap, appendTimeoutMs: 50 });
      const error = await rejectionOf(node.client.appendToStream(stream, click()));
      expect(error).to.be.instanceOf(batchAppend ? DeadlineExceededError : TimeoutError);
      held.release();
      await node.stop();
    });
  });
}

describe('stopping the server', () => {
  it('ends subscriptions as unavailable, not as done', async () => {
    const node = await openGrpcNode();
    const subscription = node.client.subscribeToAll({ fromPosition: START });
    const ended = new Promise((resolve) => {
      subscription.once('error', resolve).once('end', () => resolve('done'));
    });
    await new Promise((resolve) => subscription.once('caughtUp', resolve));
    await node.server.close();
    expect(await ended).to.be.instanceOf(UnavailableError);
    await node.stop();
  });

  it('is not needed to end a subscription when the log is closed', async () => {
    const node = await openGrpcNode();
    const subscription = node.client.subscribeToAll({ fromPosition: START });
    const ended = new Promise((resolve) => subscription.once('error', resolve));
    await new Promise((resolve) => subscription.once('caughtUp', resolve));
    await node.log.close();
    expect(await ended).to.be.instanceOf(UnavailableError);
    await node.stop();
  });

  it('may be requested twice', async () => {
    const node = await openGrpcNode();
    await Promise.all([node.server.close(), node.server.close()]);
    await node.stop();
  });

  it('does not wait for a client that has stopped reading', async () => {
    const node = await openGrpcNode({ drainTimeoutMs: 100 });
    const stream = `anime-${randomUUID()}`;
    const large = () => jsonEvent({ type: 'Large', data: { text: 'x'.repeat(500_000) } });
    for (let count = 0; count < 8; count += 1) await node.client.appendToStream(stream, large());
    const subscription = node.client.subscribeToAll({ fromPosition: START });
    subscription.on('error', () => undefined);
    await new Promise((resolve) => subscription.once('readable', resolve));
    await node.server.close();
    await node.stop();
  });

  it('reports a port in use', async () => {
    const node = await openGrpcNode();
    const error = await rejectionOf(openGrpcNode({ port: node.server.port }));
    expect(error).to.have.property(
      'message',
      `The event store cannot listen on 127.0.0.1:${node.server.port}.`,
    );
    await node.stop();
  });
});

describe('an embedded node in its own process', () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let client: EventStoreDBClient;

  beforeEach(async () => {
    directory = await temporaryDirectory();
  });
  afterEach(async () => {
    await client.dispose();
    await directory.remove();
  });

  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    it(`has every acknowledged event after ${signal} and a restart`, async () => {
      const node = await startEmbeddedNode({ dataDir: directory.path });
      client = connect(node.port);
      const stream = `anime-${randomUUID()}`;
      for (let count = 0; count < 5; count += 1) await client.appendToStream(stream, click());
      await node.kill(signal);
      const failure = await rejectionOf(client.appendToStream(stream, click()));
      expect(failure).to.include({ code: 14 });
      const restarted = await startEmbeddedNode({ dataDir: directory.path, port: node.port });
      const result = await eventually(() =>
        client.appendToStream(stream, click(), { expectedRevision: 4n }),
      );
      expect(result).to.include({ nextExpectedRevision: 5n });
      await restarted.stop();
    });
  }

  it('ends a waiting subscription, which can resume after the restart', async () => {
    const node = await startEmbeddedNode({ dataDir: directory.path });
    client = connect(node.port);
    const stream = `anime-${randomUUID()}`;
    await client.appendToStream(stream, click());
    const subscription = client.subscribeToStream(stream);
    const ended = new Promise((resolve) => subscription.once('error', resolve));
    await new Promise((resolve) => subscription.once('caughtUp', resolve));
    subscription.resume();
    await node.stop();
    expect(await ended).to.be.instanceOf(UnavailableError);
    const restarted = await startEmbeddedNode({ dataDir: directory.path, port: node.port });
    await eventually(() => client.appendToStream(stream, click()));
    const resumed = client.subscribeToStream(stream, { fromRevision: 0n });
    for await (const { event } of resumed) {
      expect(event?.revision).to.equal(1n);
      break;
    }
    await resumed.unsubscribe();
    await restarted.stop();
  });
});
