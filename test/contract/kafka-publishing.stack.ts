import { expect } from 'chai';
import { Kafka, logLevel } from 'kafkajs';
import { openKafkaEventBus } from '../../src/adapters/kafka/bus.js';
import { PortError, TooLargeError, UnavailableError } from '../../src/ports/errors.js';
import type { EventBus } from '../../src/ports/event-bus.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { rejectionOf } from '../support/rejection-of.js';
import { openKafka } from '../support/stack/kafka.js';
import {
  freshTopic,
  openKafkaBus,
  publishRecords,
  testBusOptions,
} from '../support/stack/kafka-bus.js';
import { orSkip } from '../support/stack/server.js';
import { collecting, event, LOG_ID } from './event-bus/given.js';

const textsOf = async (bus: EventBus, count: number): Promise<(string | null)[]> => {
  const seen = collecting();
  const consumer = bus.consumer(freshTopic());
  await consumer.start(seen.handler);
  await eventually(() => expect(seen.items.length).to.be.at.least(count), { withinMs: 15_000 });
  await consumer.stop();
  return seen.texts();
};

describe('publishing to Kafka', function () {
  this.timeout(60_000);
  let brokers = '';
  const opened: EventBus[] = [];

  before(async function () {
    ({ address: brokers } = await orSkip(this, 'kafka', openKafka));
  });

  afterEach(async () => {
    await Promise.all(opened.splice(0).map((bus) => bus.close()));
  });

  const open = async (...args: Parameters<typeof openKafkaBus>) => {
    const bus = await openKafkaBus(...args);
    opened.push(bus);
    return bus;
  };

  /** A key of a partition other than that of `other`. */
  const keyApartFrom = async (bus: EventBus, other: string): Promise<string> => {
    const publisher = await bus.publisher(LOG_ID);
    const [place] = [...(await publisher.publish([event(other, 'where?')])).keys()];
    for (let index = 1; ; index += 1) {
      const [found] = [...(await publisher.publish([event(`k-${index}`, 'where?')])).keys()];
      if (found !== place) return `k-${index}`;
    }
  };

  it('refuses a record that is too large, and loses nothing that comes after it', async () => {
    const bus = await open(brokers);
    const other = await keyApartFrom(bus, 'anime-1');
    const publisher = await bus.publisher(LOG_ID);
    const huge = { ...event(other, ''), data: new Uint8Array(2_000_000) };
    // The broker takes the small one and refuses the huge one: the numbering of both is in doubt.
    const refused = await rejectionOf(publisher.publish([event('anime-1', 'with it'), huge]));
    expect(refused).to.be.instanceOf(TooLargeError);
    const before = (await bus.ends()) ?? new Map<number, bigint>();
    const written = await publisher.publish([event('anime-1', 'after'), event(other, 'after')]);
    const after = (await bus.ends()) ?? new Map<number, bigint>();
    for (const [partition, offset] of written) {
      expect(offset).to.equal(before.get(partition));
      expect(after.get(partition)).to.equal(offset + 1n);
    }
  });

  it('creates a topic once for many concurrent callers', async () => {
    const topic = freshTopic();
    const buses = await Promise.all([1, 2, 3].map(() => open(brokers, { topic })));
    for (const bus of buses) expect((await bus.ends())?.size).to.equal(3);
  });

  it('refuses a topic with another number of partitions, with the way out', async () => {
    const topic = freshTopic();
    await open(brokers, { topic, partitions: 3 });
    const error = await rejectionOf(
      openKafkaEventBus({ ...testBusOptions(brokers, topic), partitions: 4 }),
    );
    if (!(error instanceof PortError)) throw error;
    expect(error.code).to.equal('NOT_SUPPORTED');
    expect(error.retriable).to.equal(false);
    expect(error.message).to.equal(
      `The topic ${topic} has 3 partitions and 4 are configured. Configure 3, or name a new topic: ` +
        'changing the partitions needs a new topic and a rebuild of the read models.',
    );
  });

  it('refuses a topic with retention, naming the settings', async () => {
    const topic = freshTopic();
    const admin = new Kafka({ brokers: brokers.split(','), logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    const configEntries = [
      { name: 'cleanup.policy', value: 'compact' },
      { name: 'retention.ms', value: '604800000' },
    ];
    await admin.createTopics({ topics: [{ topic, numPartitions: 3, configEntries }] });
    await admin.disconnect();
    const error = await rejectionOf(open(brokers, { topic }));
    if (!(error instanceof PortError)) throw error;
    expect(error.code).to.equal('NOT_SUPPORTED');
    expect(error.message).to.equal(
      `The topic ${topic} forgets events: its retention.ms is 604800000, cleanup.policy is compact. ` +
        'Set retention.ms=-1, cleanup.policy=delete on it.',
    );
  });

  it('reports an unreachable broker as unavailable', async () => {
    const nobody = `127.0.0.1:${await freePort()}`;
    const error = await rejectionOf(openKafkaBus(nobody));
    expect(error).to.be.instanceOf(UnavailableError);
  });

  it('keeps records for ever, also under names such as __proto__', async () => {
    const topic = freshTopic();
    const bus = await open(brokers, { topic });
    const headers = Object.fromEntries([
      ['constructor', 'a'],
      ['__proto__', 'b'],
    ]);
    const record = { key: 'toString', value: null, headers };
    await publishRecords(testBusOptions(brokers, topic), [record]);
    const revision = 'the header esdb-record-stream-revision is missing';
    expect(await bus.sample()).to.deep.include({ stream: 'toString', reason: revision });
    expect(await textsOf(bus, 1)).to.deep.equal([null]);
  });
});
