import { expect } from 'chai';
import { UnavailableError } from '../../src/ports/errors.js';
import type { EventBus } from '../../src/ports/event-bus.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { rejectionOf } from '../support/rejection-of.js';
import { freshTopic, openKafkaBus } from '../support/stack/kafka-bus.js';
import { readOnce } from '../support/stack/kafka-read-once.js';
import { startNativeKafka } from '../support/stack/kafka-native.js';
import { orSkip } from '../support/stack/server.js';
import type { StackServer } from '../support/stack/server.js';
import { tcpProxy, type Line, type TcpProxy } from '../support/tcp-proxy.js';
import { collecting, event, LOG_ID } from './event-bus/given.js';

const SOON = { withinMs: 20_000 };
const JOIN_GROUP = 11;

/** A request starts with its size and its API key. */
const isJoin = (bytes: Buffer): boolean => bytes.length > 6 && bytes.readInt16BE(4) === JOIN_GROUP;

describe('lost responses of Kafka', function () {
  this.timeout(60_000);
  let kafka: StackServer | undefined;
  let line: TcpProxy | undefined;
  let topic: string;
  let direct: EventBus;
  let far: EventBus;

  before(async function () {
    const port = await freePort();
    line = await tcpProxy({ host: '127.0.0.1', port });
    const extra = { protocol: 'PLAINTEXT', port, advertised: line.port } as const;
    kafka = await orSkip(this, 'kafka', () => startNativeKafka({ extra }), { own: true });
  });

  after(async () => {
    await line?.stop();
    await kafka?.stop();
  });

  beforeEach(async () => {
    topic = freshTopic();
    direct = await openKafkaBus(kafka?.address ?? '', { topic });
    far = await openKafkaBus(`127.0.0.1:${line?.port}`, { topic, publishTimeoutMs: 4_000 });
  });

  afterEach(async () => {
    await line?.mend();
    await Promise.all([far.close(), direct.close()]);
  });

  const kept = async (): Promise<number> => {
    const ends = (await direct.ends()) ?? new Map<number, bigint>();
    return Number([...ends.values()].reduce((sum, end) => sum + end, 0n));
  };

  const all = async (): Promise<(string | null)[]> => {
    const count = await kept();
    const seen = collecting();
    const consumer = direct.consumer(freshTopic());
    await consumer.start(seen.handler);
    await eventually(() => expect(seen.items).to.have.length(count), SOON);
    await consumer.stop();
    return seen.texts();
  };

  it('lose no acknowledged record, though publishes overlap', async () => {
    const publisher = await far.publisher(LOG_ID);
    await publisher.publish([event('anime-1', '0')]);
    line?.set({ kind: 'deaf' });
    const values = Array.from({ length: 20 }, (_, index) => `${index + 1}`);
    const publishing = values.map((value) => publisher.publish([event('anime-1', value)]));
    const outcomes = Promise.allSettled(publishing);
    await eventually(async () => expect(await kept()).to.equal(2), SOON);
    line?.set({ kind: 'open' });
    line?.reset();
    const settled = await outcomes;
    const acknowledged = values.filter((_, index) => settled[index]?.status === 'fulfilled');
    expect(acknowledged).to.include('20');
    const distinct = [...new Set(await all())];
    expect(distinct).to.include.members(['0', ...acknowledged]);
    expect(distinct).to.deep.equal(distinct.toSorted((a, b) => Number(a) - Number(b)));
  });

  it('end in UnavailableError within the deadline, and do not affect the next publish', async () => {
    const publisher = await far.publisher(LOG_ID);
    await publisher.publish([event('anime-1', '0')]);
    line?.set({ kind: 'deaf' });
    const startedAt = performance.now();
    const error = await rejectionOf(publisher.publish([event('anime-1', '1')]));
    expect(error).to.be.instanceOf(UnavailableError);
    expect(performance.now() - startedAt).to.be.lessThan(6_000);
    await line?.mend();
    for (const value of ['1', '2', '3']) {
      await eventually(() => publisher.publish([event('anime-1', value)]), SOON);
    }
    // The first attempt arrived too; none of its records may arrive after later ones.
    expect(await all()).to.deep.equal(['0', '1', '1', '2', '3']);
  });

  it('are waited for by a consumer, which then continues by itself', async () => {
    const seen = collecting();
    const consumer = far.consumer(freshTopic());
    await consumer.start(seen.handler);
    const publisher = await direct.publisher(LOG_ID);
    await publisher.publish([event('anime-1', 'before')]);
    await eventually(() => expect(seen.texts()).to.deep.equal(['before']), SOON);
    line?.set({ kind: 'refuse' });
    line?.reset();
    await eventually(() => expect(consumer.healthy()).to.equal(false), SOON);
    await publisher.publish([event('anime-1', 'meanwhile')]);
    await line?.mend();
    await eventually(() => expect(seen.texts()).to.include('meanwhile'), SOON);
    expect(consumer.healthy()).to.equal(true);
    await consumer.stop();
  });

  it('do not keep a consumer from being started again, or stopped', async () => {
    const seen = collecting();
    const consumer = far.consumer(freshTopic());
    line?.set({ kind: 'refuse' });
    line?.reset();
    expect(await rejectionOf(consumer.start(seen.handler))).to.be.instanceOf(UnavailableError);
    expect(consumer.healthy()).to.equal(false);
    await line?.mend();
    await consumer.start(seen.handler);
    expect(consumer.healthy()).to.equal(true);
    line?.set({ kind: 'refuse' });
    line?.reset();
    await eventually(() => expect(consumer.healthy()).to.equal(false), SOON);
    const startedAt = performance.now();
    await consumer.stop();
    expect(performance.now() - startedAt).to.be.lessThan(6_000);
  });

  it('are reported by ping, ends and sample', async () => {
    await far.ping();
    line?.set({ kind: 'refuse' });
    line?.reset();
    for (const call of [() => far.ping(), () => far.ends(), () => far.sample()]) {
      expect(await rejectionOf(call())).to.be.instanceOf(UnavailableError);
    }
    await line?.mend();
    await eventually(() => far.ping(), SOON);
    await eventually(async () => expect(await far.sample()).to.equal(null), SOON);
  });

  it('to a joining reader leave no process that retries for ever', async () => {
    const publisher = await direct.publisher(LOG_ID);
    await publisher.publish([event('anime-1', 'a')]);
    line?.set({ kind: 'deaf-from', request: isJoin });
    const reader = readOnce({ brokers: `127.0.0.1:${line?.port}`, topic, timeoutMs: 2_000 });
    try {
      await eventually(() => expect(reader.outcome()).to.equal('UNAVAILABLE'), SOON);
      await eventually(() => expect(reader.exitCode()).to.equal(0), SOON);
    } finally {
      await reader.kill();
    }
  });

  const lines: Record<string, Line> = {
    'that never come': { kind: 'black-hole' },
    'to a request to join': { kind: 'deaf-from', request: isJoin },
  };
  for (const [which, fault] of Object.entries(lines)) {
    it(`${which} keep no start alive whose consumer is stopped`, async () => {
      const consumer = far.consumer(freshTopic());
      line?.set(fault);
      const starting = rejectionOf(consumer.start(() => Promise.resolve()));
      await eventually(() => expect(line?.isSilent()).to.equal(true), SOON);
      const startedAt = performance.now();
      await consumer.stop();
      expect(await starting).to.be.instanceOf(UnavailableError);
      expect(performance.now() - startedAt).to.be.lessThan(2_000);
      expect(consumer.healthy()).to.equal(false);
    });
  }
});
