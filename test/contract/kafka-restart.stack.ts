import { expect } from 'chai';
import type { BusPublisher, EventBus } from '../../src/ports/event-bus.js';
import { eventually } from '../support/eventually.js';
import { freshTopic, openKafkaBus } from '../support/stack/kafka-bus.js';
import { startNativeKafka } from '../support/stack/kafka-native.js';
import { orSkip } from '../support/stack/server.js';
import type { StackServer } from '../support/stack/server.js';
import { collecting, event, LOG_ID } from './event-bus/given.js';

const STREAMS = ['anime-1', 'anime-2', 'anime-3', 'anime-4'];

describe('a Kafka broker that is killed and comes back', function () {
  this.timeout(120_000);
  let kafka: StackServer | undefined;
  let bus: EventBus | undefined;

  before(async function () {
    kafka = await orSkip(this, 'kafka', startNativeKafka, { own: true });
  });
  after(async () => {
    await bus?.close();
    await kafka?.stop();
  });

  /** Publishes like the bridge: one batch at a time, each until it is accepted. */
  const publishing = (publisher: BusPublisher) => {
    let acknowledged = 0;
    const stopped = new AbortController();
    const publish = async (): Promise<void> => {
      const batch = STREAMS.map((stream) => event(stream, `${acknowledged}`));
      const taken = await publisher.publish(batch).catch(() => null);
      if (taken !== null) acknowledged += 1;
      if (!stopped.signal.aborted) await publish();
    };
    const done = publish();
    return {
      rounds: () => acknowledged,
      stop: () => {
        stopped.abort();
        return done;
      },
    };
  };

  it('loses no acknowledged record, and everything continues within 30 s', async () => {
    if (kafka === undefined) throw new Error('There is no broker.');
    const opened = (bus = await openKafkaBus(kafka.address));
    const seen = collecting();
    const consumer = opened.consumer(freshTopic());
    await eventually(() => consumer.start(seen.handler), { withinMs: 30_000 });
    const traffic = publishing(await opened.publisher(LOG_ID));
    await eventually(() => expect(traffic.rounds()).to.be.greaterThan(50));

    await kafka.kill();
    await eventually(() => expect(consumer.healthy()).to.equal(false), { withinMs: 30_000 });
    await kafka.start();
    const atRestart = { rounds: traffic.rounds(), seen: seen.items.length };
    await eventually(
      () => {
        expect(traffic.rounds()).to.be.greaterThan(atRestart.rounds + 50);
        expect(seen.items.length).to.be.greaterThan(atRestart.seen + 200);
        expect(consumer.healthy()).to.equal(true);
      },
      { withinMs: 30_000 },
    );

    await traffic.stop();
    const all = Array.from({ length: traffic.rounds() }, (_, round) => `${round}`);
    for (const stream of STREAMS) {
      await eventually(() => expect([...new Set(seen.texts(stream))]).to.deep.equal(all), {
        withinMs: 15_000,
      });
    }
    await consumer.stop();
  });
});
