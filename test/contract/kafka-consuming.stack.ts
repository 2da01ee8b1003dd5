import { expect } from 'chai';
import type { KafkaBusOptions } from '../../src/adapters/kafka/bus.js';
import type { BusBatch, BusConsumer, EventBus } from '../../src/ports/event-bus.js';
import { eventually } from '../support/eventually.js';
import { openKafka } from '../support/stack/kafka.js';
import { freshTopic, openKafkaBus } from '../support/stack/kafka-bus.js';
import { orSkip, type StackServer } from '../support/stack/server.js';
import { collecting, event, gated, LOG_ID, textOf } from './event-bus/given.js';

const STREAMS = Array.from({ length: 24 }, (_, index) => `anime-${index + 1}`);
const WITHIN = { withinMs: 20_000 };

describe('consuming from Kafka', function () {
  this.timeout(90_000);
  let kafka: StackServer;
  let bus: EventBus;
  let sessionTimeoutMs: number;
  const consumers: BusConsumer[] = [];

  before(async function () {
    kafka = await orSkip(this, 'kafka', openKafka);
    // Only our own broker allows sessions this short.
    sessionTimeoutMs = kafka.ours ? 1_000 : 6_000;
  });

  beforeEach(async () => {
    bus = await openKafkaBus(kafka.address, { sessionTimeoutMs });
  });

  afterEach(async () => {
    await Promise.all(consumers.splice(0).map((consumer) => consumer.stop()));
    await bus.close();
  });

  const join = async (group: string, handler: (batch: BusBatch) => Promise<void>) => {
    const consumer = bus.consumer(group);
    consumers.push(consumer);
    await consumer.start(handler);
    return consumer;
  };

  const reopen = async (options: Partial<KafkaBusOptions>) => {
    await bus.close();
    bus = await openKafkaBus(kafka.address, options);
  };

  const soon = <T>(assertion: () => T | Promise<T>) => eventually(assertion, WITHIN);

  const publish = async (value: string) => {
    const publisher = await bus.publisher(LOG_ID);
    await publisher.publish(STREAMS.map((stream) => event(stream, value)));
    await publisher.close();
  };

  it('keeps a partition whose handler takes longer than the session', async () => {
    const group = freshTopic();
    const [slow, quick] = [collecting(), collecting()];
    const gate = gated(slow.handler);
    const first = await join(group, gate.handler);
    await join(group, quick.handler);
    await publish('1');
    await soon(() => expect(gate.entered).not.to.be.empty);
    const held = new Set(gate.entered.map(({ partition }) => partition));
    const until = performance.now() + 2.5 * sessionTimeoutMs;
    await soon(() => expect(performance.now()).to.be.greaterThan(until));
    expect(quick.items.filter(({ partition }) => held.has(partition))).to.deep.equal([]);
    expect(gate.entered.every(({ signal }) => !signal.aborted)).to.equal(true);
    gate.open();
    await publish('2');
    await soon(() => {
      expect(slow.items.length + quick.items.length).to.equal(2 * STREAMS.length);
    });
    expect(new Set(slow.items.map(({ partition }) => partition))).to.deep.equal(held);
    // What it did in its long time is committed: nobody gets it again.
    await first.stop();
    await publish('3');
    await soon(() => expect(quick.texts().filter((text) => text === '3')).to.have.length(24));
    const again = quick.items.filter(({ partition }) => held.has(partition));
    expect(again).to.have.length(24 - quick.items.filter(isOther(held)).length / 3);
  });

  it('handles other partitions while one handler hangs', async () => {
    await reopen({ stopTimeoutMs: 200 });
    const seen = collecting();
    let stuck: number | undefined;
    const consumer = await join(freshTopic(), async (batch) => {
      stuck ??= batch.partition;
      if (batch.partition === stuck) await new Promise(() => undefined);
      await seen.handler(batch);
    });
    for (const value of ['1', '2', '3']) await publish(value);
    await soon(() => expect(seen.items.length).to.be.greaterThan(0));
    const ends = (await bus.ends()) ?? new Map<number, bigint>();
    const others = [...ends].filter(([partition]) => partition !== stuck);
    const expected = others.reduce((sum, [, end]) => sum + Number(end), 0);
    await soon(() => expect(seen.items).to.have.length(expected));
    // Nor does it keep the consumer from stopping.
    await consumer.stop();
    expect(consumer.healthy()).to.equal(false);
  });

  it('aborts exactly the handlers whose partitions moved to another member', async () => {
    const group = freshTopic();
    const [stayed, moved] = [collecting(), collecting()];
    const gate = gated(stayed.handler);
    await join(group, gate.handler);
    await publish('1');
    await soon(() => expect(gate.entered).to.have.length(3));
    await join(group, moved.handler);
    await soon(() => expect(moved.items).not.to.be.empty);
    await soon(() => {
      const told = gate.entered.filter(({ signal }) => signal.aborted);
      const gone = new Set(moved.items.map(({ partition }) => partition));
      expect(new Set(told.map(({ partition }) => partition))).to.deep.equal(gone);
    });
    expect(gate.entered.filter(({ signal }) => signal.aborted).length).to.be.within(1, 2);
    gate.open();
    await publish('2');
    await soon(() => {
      const all = [...stayed.items, ...moved.items];
      expect(all.filter((item) => textOf(item) === '2')).to.have.length(STREAMS.length);
    });
  });

  it('makes progress while members join and leave', async () => {
    const group = freshTopic();
    const seen = collecting();
    let member = await join(group, seen.handler);
    const rounds = ['1', '2', '3', '4', '5', '6'];
    for (const round of rounds) {
      const next = await join(group, seen.handler);
      await publish(round);
      await member.stop();
      member = next;
    }
    await soon(() => {
      for (const stream of STREAMS) expect([...new Set(seen.texts(stream))]).to.deep.equal(rounds);
    });
    expect(member.healthy()).to.equal(true);
  });

  it('counts the records waiting behind a batch', async () => {
    await reopen({ maxBytesPerPartition: 2_000 });
    const publisher = await bus.publisher(LOG_ID);
    for (let index = 0; index < 40; index += 1) {
      await publisher.publish([event('anime-1', `${index}`.padEnd(400))]);
    }
    const waiting: number[] = [];
    let handled = 0;
    await join(freshTopic(), (batch) => {
      handled += batch.items.length;
      waiting.push(batch.waiting + handled);
      return Promise.resolve();
    });
    await soon(() => expect(handled).to.equal(40));
    expect(waiting.length).to.be.greaterThan(1);
    expect(new Set(waiting)).to.deep.equal(new Set([40]));
  });
});

const isOther =
  (held: ReadonlySet<number>) =>
  ({ partition }: { readonly partition: number }): boolean =>
    !held.has(partition);
