import { jsonEvent, START } from '@eventstore/db-client';
import { expect } from 'chai';
import { randomUUID } from 'node:crypto';
import type {
  EventLog,
  LogSubscriptionItem,
} from '../../../src/embedded-eventstore/log/event-log.js';
import { eventually } from '../../support/eventually.js';
import { openGrpcNode, type GrpcNode } from '../../support/grpc-node.js';

describe('cursors over the log', () => {
  let node: GrpcNode;
  let open: number;
  let pulled: number;

  async function* watched(items: AsyncIterable<LogSubscriptionItem>) {
    open += 1;
    try {
      for await (const item of items) {
        pulled += 1;
        yield item;
      }
    } finally {
      open -= 1;
    }
  }

  const watch = (log: EventLog): EventLog => ({
    ...log,
    subscribeAll: (options) => watched(log.subscribeAll(options)),
    subscribeStream: (options) => watched(log.subscribeStream(options)),
  });

  beforeEach(async () => {
    [open, pulled] = [0, 0];
    node = await openGrpcNode({ wrap: watch });
  });
  afterEach(() => node.stop());

  const fill = async (count: number, bytes: number) => {
    const event = () => jsonEvent({ type: 'Filled', data: { text: 'x'.repeat(bytes) } });
    const stream = `anime-${randomUUID()}`;
    for (let batch = 0; batch < count / 20; batch += 1) {
      await node.client.appendToStream(stream, Array.from({ length: 20 }, event));
    }
  };

  for (const [what, subscribe] of [
    ['all', () => node.client.subscribeToAll({ fromPosition: START })],
    ['a stream', () => node.client.subscribeToStream('anime-1')],
  ] as const) {
    it(`are released when a subscription to ${what} is cancelled`, async () => {
      const subscription = subscribe().resume();
      await eventually(() => expect(open).to.equal(1));
      await subscription.unsubscribe();
      await eventually(() => expect(open).to.equal(0));
    });
  }

  it('are released when the client disconnects', async () => {
    const subscription = node.client.subscribeToAll({ fromPosition: START }).resume();
    subscription.on('error', () => undefined);
    await eventually(() => expect(open).to.equal(1));
    await node.client.dispose();
    await eventually(() => expect(open).to.equal(0));
  });

  it('do not advance while a client does not read', async () => {
    await fill(2000, 5000);
    const subscription = node.client.subscribeToAll({ fromPosition: START });
    let before = -1;
    await eventually(
      () => {
        const still = pulled === before && pulled > 0;
        before = pulled;
        expect(still).to.equal(true);
      },
      { everyMs: 300 },
    );
    expect(pulled).to.be.below(500);
    let delivered = 0;
    subscription.on('data', () => (delivered += 1));
    await eventually(() => expect(delivered).to.equal(2000));
    await subscription.unsubscribe();
  });

  it('are released when a client that does not read disconnects', async () => {
    await fill(1000, 5000);
    const subscription = node.client.subscribeToAll({ fromPosition: START });
    await eventually(() => expect(pulled).to.be.above(10));
    await subscription.unsubscribe();
    await eventually(() => expect(open).to.equal(0));
    expect(pulled).to.be.below(1000);
  });
});
