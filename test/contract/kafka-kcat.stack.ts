import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { silentLogger, type Logger } from '../../src/platform/observability/logger.js';
import { toRecord } from '../../src/adapters/kafka/record-codec.js';
import type { EventBus } from '../../src/ports/event-bus.js';
import { eventually } from '../support/eventually.js';
import { openKafka } from '../support/stack/kafka.js';
import { freshTopic, openKafkaBus } from '../support/stack/kafka-bus.js';
import { orSkip } from '../support/stack/server.js';
import { event, LOG_ID } from './event-bus/given.js';

const run = promisify(execFile);

/** A record as printed by `kcat -J`. */
interface Printed {
  readonly partition: number;
  readonly offset: number;
  readonly key: string;
  readonly payload: string | null;
  readonly headers?: readonly string[];
}

describe('records on Kafka, read by kcat', function () {
  this.timeout(60_000);
  let brokers = '';
  let bus: EventBus | undefined;

  before(async function () {
    try {
      await run('kcat', ['-V']);
    } catch {
      process.stdout.write('      skipped: there is no kcat on this machine\n');
      this.skip();
    }
    ({ address: brokers } = await orSkip(this, 'kafka', openKafka));
  });
  afterEach(() => bus?.close());

  it('have key, headers and value, in order per key', async () => {
    const topic = freshTopic();
    bus = await openKafkaBus(brokers, { topic });
    const publisher = await bus.publisher(LOG_ID);
    const events = Array.from({ length: 60 }, (_, index) => ({
      ...event(`anime-${index % 7}`, JSON.stringify({ index, title: '進撃の巨人' })),
      revision: BigInt(index),
    }));
    for (let at = 0; at < 60; at += 20) await publisher.publish(events.slice(at, at + 20));
    const sent = events.map((each) => toRecord(each, LOG_ID));

    const { stdout } = await run('kcat', ['-C', '-b', brokers, '-t', topic, '-e', '-q', '-J']);
    const printed = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Printed);
    expect(printed).to.have.length(60);
    for (const key of new Set(sent.map((each) => each.key))) {
      const found = printed.filter((each) => each.key === key);
      expect(new Set(found.map(({ partition }) => partition)).size).to.equal(1);
      expect(found.map(({ payload, headers }) => ({ payload, headers }))).to.deep.equal(
        sent
          .filter((each) => each.key === key)
          .map(({ value, headers }) => ({
            payload: Buffer.from(value ?? []).toString(),
            headers: Object.entries(headers).flat(),
          })),
      );
    }
  });

  it('are in the partitions where another producer puts the same keys', async () => {
    const topic = freshTopic();
    bus = await openKafkaBus(brokers, { topic });
    const keys = Array.from({ length: 40 }, (_, index) => `anime-${index}`);
    const publisher = await bus.publisher(LOG_ID);
    await publisher.publish(keys.map((key) => event(key, 'ours')));
    // Java's partitioner by its name in librdkafka.
    const options = ['-X', 'topic.partitioner=murmur2_random', '-K', '|'];
    const kcat = run('kcat', ['-P', '-b', brokers, '-t', topic, ...options]);
    kcat.child.stdin?.end(keys.map((key) => `${key}|theirs\n`).join(''));
    await kcat;
    const { stdout } = await run('kcat', ['-C', '-b', brokers, '-t', topic, '-e', '-q', '-J']);
    const places = new Map<string, Set<number>>();
    for (const line of stdout.trim().split('\n')) {
      const { key, partition } = JSON.parse(line) as Printed;
      places.set(key, (places.get(key) ?? new Set<number>()).add(partition));
    }
    expect([...places.keys()]).to.have.members(keys);
    expect([...places.values()].every((each) => each.size === 1)).to.equal(true);
  });

  it('that this client cannot read end the consumer with a log line', async () => {
    const topic = freshTopic();
    const lines: string[] = [];
    const log = (message: string) => void lines.push(message);
    const logger: Logger = { ...silentLogger(), error: log, child: () => logger };
    bus = await openKafkaBus(brokers, { topic, logger });
    const consumer = bus.consumer(freshTopic());
    await consumer.start(() => Promise.resolve());
    const kcat = run('kcat', ['-P', '-b', brokers, '-t', topic, '-z', 'lz4']);
    kcat.child.stdin?.end(`${'x'.repeat(2_000)}\n`);
    await kcat;
    await eventually(() => expect(consumer.healthy()).to.equal(false), { withinMs: 15_000 });
    await eventually(() =>
      expect(lines).to.deep.equal(['The topic holds records that this client cannot read']),
    );
    await consumer.stop();
  });
});
