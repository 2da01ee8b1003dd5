import {
  END,
  eventTypeFilter,
  excludeSystemEvents,
  jsonEvent,
  START,
  StreamDeletedError,
  streamNameFilter,
  UnknownError,
  type AllStreamSubscription,
  type Position,
  type ResolvedEvent,
  type StreamSubscription,
} from '@eventstore/db-client';
import { expect } from 'chai';
import { randomUUID } from 'node:crypto';
import { eventually } from '../../support/eventually.js';
import { openGrpcNode, type GrpcNode } from '../../support/grpc-node.js';

/** Records everything that a subscription emits, in order. */
const record = (subscription: AllStreamSubscription | StreamSubscription) => {
  const said: string[] = [];
  const errors: unknown[] = [];
  const events: NonNullable<ResolvedEvent['event']>[] = [];
  (subscription as StreamSubscription)
    .on('confirmation', () => said.push('confirmed'))
    .on('caughtUp', () => said.push('caught up'))
    .on('data', ({ event }: ResolvedEvent) => {
      if (event === undefined) return;
      events.push(event);
      said.push(`${event.streamId}@${event.revision}`);
    })
    .on('error', (error: unknown) => errors.push(error));
  return { said, errors, events };
};

describe('subscribing over gRPC', () => {
  let node: GrpcNode;
  let stream: string;
  let open: (AllStreamSubscription | StreamSubscription)[];

  before(async () => {
    node = await openGrpcNode();
  });
  after(() => node.stop());
  beforeEach(() => {
    stream = `anime-${randomUUID()}`;
    open = [];
  });
  afterEach(() => Promise.all(open.map((subscription) => subscription.unsubscribe())));

  const append = (count: number, type = 'Clicked', name = stream) =>
    node.client.appendToStream(
      name,
      Array.from({ length: count }, () => jsonEvent({ type, data: {} })),
    );

  const toStream = (options: Parameters<typeof node.client.subscribeToStream>[1]) => {
    const subscription = node.client.subscribeToStream(stream, options);
    open.push(subscription);
    return record(subscription);
  };

  const toAll = (options: Parameters<typeof node.client.subscribeToAll>[0]) => {
    const subscription = node.client.subscribeToAll(options);
    open.push(subscription);
    return record(subscription);
  };

  const at = (...revisions: number[]) => revisions.map((revision) => `${stream}@${revision}`);

  const positionNow = async (): Promise<Position> => {
    const { position } = await append(1, 'Marker', `marker-${randomUUID()}`);
    if (position === undefined) throw new Error('No position.');
    return position;
  };

  describe('to a stream', () => {
    it('delivers history, caught-up, and live events', async () => {
      await append(2);
      const { said } = toStream({ fromRevision: START });
      await eventually(() => expect(said).to.include('caught up'));
      await append(1);
      await eventually(() =>
        expect(said).to.deep.equal(['confirmed', ...at(0, 1), 'caught up', ...at(2)]),
      );
    });

    it('begins after a revision', async () => {
      await append(4);
      const { said } = toStream({ fromRevision: 1n });
      await eventually(() => expect(said).to.deep.equal(['confirmed', ...at(2, 3), 'caught up']));
    });

    it('begins at the end', async () => {
      await append(2);
      const { said } = toStream({ fromRevision: END });
      await eventually(() => expect(said).to.deep.equal(['confirmed', 'caught up']));
      await append(1);
      await eventually(() => expect(said).to.deep.equal(['confirmed', 'caught up', ...at(2)]));
    });

    it('waits for a stream that does not exist yet', async () => {
      const { said } = toStream({ fromRevision: START });
      await eventually(() => expect(said).to.include('caught up'));
      await append(1);
      await eventually(() => expect(said).to.deep.equal(['confirmed', 'caught up', ...at(0)]));
    });

    it('survives a soft delete', async () => {
      await append(1);
      const { said, errors } = toStream({ fromRevision: START });
      await eventually(() => expect(said).to.include('caught up'));
      await node.client.deleteStream(stream);
      await append(1);
      await eventually(() => expect(said).to.include(`${stream}@1`));
      expect(errors).to.deep.equal([]);
    });

    it('ends with the tombstone of its stream', async () => {
      await append(1);
      const { said, errors, events } = toStream({ fromRevision: START });
      await eventually(() => expect(said).to.include('caught up'));
      await node.client.tombstoneStream(stream);
      await eventually(() => expect(errors).to.have.length(1));
      expect(errors[0]).to.be.instanceOf(StreamDeletedError);
      expect(errors[0]).to.include({ streamName: stream });
      expect(events.at(-1)).to.include({ type: '$streamDeleted', revision: 2n ** 63n - 1n });
    });

    it('refuses a stream that has a tombstone', async () => {
      await node.client.tombstoneStream(stream);
      const { errors } = toStream({ fromRevision: START });
      await eventually(() => expect(errors).to.have.length(1));
      expect(errors[0]).to.be.instanceOf(StreamDeletedError);
    });
  });

  describe('to all', () => {
    it('delivers every event once and in order, while others write', async () => {
      const from = await positionNow();
      const writing = Promise.all(
        Array.from({ length: 8 }, async (_, writer) => {
          for (let round = 0; round < 25; round += 1)
            await append(2, 'Written', `${stream}-${writer}`);
        }),
      );
      const { events } = toAll({ fromPosition: from });
      await writing;
      await eventually(() => expect(events).to.have.length(400));
      const positions = events.map(({ position }) => position?.commit ?? -1n);
      expect(positions).to.deep.equal([...new Set(positions)].sort((a, b) => (a < b ? -1 : 1)));
    });

    it('begins at the start', async () => {
      await append(1);
      const { said } = toAll({ fromPosition: START });
      await eventually(() => expect(said).to.include('caught up'));
      expect(said[0]).to.equal('confirmed');
      expect(said.at(-2)).to.equal(`${stream}@0`);
    });

    it('begins after a position', async () => {
      const { position } = await append(1);
      await append(1);
      if (position === undefined) throw new Error('No position.');
      const { said } = toAll({ fromPosition: position });
      await eventually(() => expect(said).to.deep.equal(['confirmed', ...at(1), 'caught up']));
    });

    it('begins at the end', async () => {
      await append(1);
      const { said } = toAll({ fromPosition: END });
      await eventually(() => expect(said).to.deep.equal(['confirmed', 'caught up']));
      await append(1);
      await eventually(() => expect(said).to.deep.equal(['confirmed', 'caught up', ...at(1)]));
    });

    it('is held back by a slow reader, and loses no event', async () => {
      const data = 'x'.repeat(20_000);
      const large = () =>
        Array.from({ length: 40 }, () => jsonEvent({ type: 'Large', data: { data } }));
      const from = await positionNow();
      for (let batch = 0; batch < 25; batch += 1) await node.client.appendToStream(stream, large());
      const subscription = node.client.subscribeToAll({ fromPosition: from });
      open.push(subscription);
      let next = 0n;
      for await (const { event } of subscription) {
        expect(event?.revision).to.equal(next);
        next += 1n;
        if (next % 100n === 0n) await new Promise(setImmediate);
        if (next === 1000n) break;
      }
    });
  });

  describe('to all, filtered', () => {
    const others = (count: number) => append(count, 'Other', `other-${randomUUID()}`);

    for (const [what, filter] of [
      ['prefixes of streams', () => streamNameFilter({ prefixes: ['nothing-', stream] })],
      ['a pattern of streams', () => streamNameFilter({ regex: `^${stream}$` })],
      ['a pattern that needs a guard', () => streamNameFilter({ regex: `^(an|me)+(i|m|e)*-.*$` })],
      ['prefixes of types', () => eventTypeFilter({ prefixes: ['Cli'] })],
      ['a pattern of types', () => eventTypeFilter({ regex: '^Clicked$' })],
    ] as const) {
      it(`delivers what matches ${what}`, async () => {
        const fromPosition = await positionNow();
        await others(3);
        await append(1);
        const { said } = toAll({ fromPosition, filter: filter() });
        await eventually(() => expect(said).to.include('caught up'));
        await others(3);
        await append(1);
        await eventually(() =>
          expect(said).to.deep.equal(['confirmed', ...at(0), 'caught up', ...at(1)]),
        );
      });
    }

    it('omits system events', async () => {
      const fromPosition = await positionNow();
      await node.client.setStreamMetadata(stream, { maxCount: 5 });
      await append(1);
      const { said } = toAll({ fromPosition, filter: excludeSystemEvents() });
      await eventually(() => expect(said).to.deep.equal(['confirmed', ...at(0), 'caught up']));
    });

    it('reports checkpoints, in history and live', async () => {
      const fromPosition = await positionNow();
      await others(25);
      const reached: bigint[] = [];
      const { said } = toAll({
        fromPosition,
        filter: streamNameFilter({
          prefixes: [stream],
          maxSearchWindow: 5,
          checkpointInterval: 2,
          checkpointReached: (_subscription, { commit, prepare }) => {
            expect(prepare).to.equal(commit);
            reached.push(commit);
          },
        }),
      });
      await eventually(() => expect(said).to.include('caught up'));
      const last = node.log.lastPosition();
      expect(reached.length).to.be.at.least(3);
      expect(reached.at(-1)).to.equal(last);
      await others(10);
      await eventually(() => expect(reached.at(-1)).to.be.greaterThan(Number(last)));
      expect(reached).to.deep.equal([...new Set(reached)].sort((a, b) => (a < b ? -1 : 1)));
      expect(reached.every((position) => position <= node.log.lastPosition())).to.equal(true);
    });

    for (const [what, regex] of [
      ['that is none', '(['],
      ['of another dialect', '(?>anime)'],
    ] as const) {
      it(`refuses a pattern ${what}`, async () => {
        const { errors } = toAll({ fromPosition: START, filter: streamNameFilter({ regex }) });
        await eventually(() => expect(errors).to.have.length(1));
        expect(errors[0]).to.be.instanceOf(UnknownError);
        expect(errors[0]).to.include({ code: 3 });
      });
    }

    it('stays fast with a pattern of catastrophic backtracking', async () => {
      const fromPosition = await positionNow();
      await append(1, 'Clicked', `anime-${'a'.repeat(60)}-${randomUUID()}`);
      await append(1);
      const filter = streamNameFilter({ regex: `^(([a-z])+.)+[A-Z]([a-z])+$|^${stream}$` });
      const { said } = toAll({ fromPosition, filter });
      await eventually(() => expect(said).to.deep.equal(['confirmed', ...at(0), 'caught up']));
    });
  });
});
