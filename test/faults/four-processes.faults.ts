import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import type { Admin } from 'kafkajs';
import { setTimeout as delay } from 'node:timers/promises';
import { seededRandom } from '../../bench/support/random.js';
import { metricOf, scrape } from '../../bench/support/scrape.js';
import type { KafkaRecord } from '../../src/adapters/kafka/record-codec.js';
import { sendSome } from '../support/command-history.js';
import { eventually } from '../support/eventually.js';
import { describeFull } from '../support/faults.js';
import { publishedRecords, publishTo } from '../support/stack/published-records.js';
import { expectMoving } from '../support/stack/story.js';
import { withAdmin } from '../support/stack/traces.js';
import { stackUnderLoad } from '../support/stack/under-load.js';

const WITHIN_30_S = { withinMs: 30_000, everyMs: 250 };

/** What an operator, or somebody else's program, does to the bus and to the groups on it. */
describeFull('the service in four processes, with its bus changed behind its back', function () {
  this.timeout(240_000);
  const given = stackUnderLoad();
  const { animeIds, witness } = given;
  // The topic is not what the bridge alone has made of it.
  const expectKept = (): Promise<void> => given.expectPromisesKept({ isTopicWhole: false });

  const admin = <T>(use: (admin: Admin) => Promise<T>): Promise<T> =>
    withAdmin({ kafka: given.kafka.address }, use);

  const partitionsOf = (topic: string): Promise<number[]> =>
    admin(async (client) =>
      (await client.fetchTopicOffsets(topic)).map(({ partition }) => partition),
    );

  const createTopic = (topic: string, numPartitions: number): Promise<void> =>
    admin(async (client) => {
      const configEntries = [
        { name: 'retention.ms', value: '-1' },
        { name: 'retention.bytes', value: '-1' },
        { name: 'cleanup.policy', value: 'delete' },
      ];
      await client.createTopics({ topics: [{ topic, numPartitions, configEntries }] });
    });

  const groupOf = (): Promise<string> =>
    admin(async (client) => {
      const { groups } = await client.listGroups();
      const group = groups.find(({ groupId }) => groupId.startsWith(`${given.stack.topic}-v1-`));
      return group?.groupId ?? expect.fail('the projector has no group');
    });

  const duplicates = async (): Promise<number> =>
    metricOf(
      await scrape(given.stack.process('projector').healthUrl),
      'anime_analytics_projector_duplicates_total',
    );

  it('publishes the log again to a topic that was deleted and made anew', async () => {
    const { topic } = given.stack;
    const partitions = await partitionsOf(topic);
    await admin((client) => client.deleteTopics({ topics: [topic] }));
    await eventually(() => createTopic(topic, partitions.length), WITHIN_30_S);
    await sendSome(given.load, 100);
    await expectKept();
    // What was published before the bridge noticed stands first, and again in its place.
    const revisions = new Map<string, Set<number>>();
    for (const { key, headers } of await publishedRecords(given.stack)) {
      const ofStream = revisions.get(key) ?? new Set();
      revisions.set(key, ofStream.add(Number(headers['esdb-record-stream-revision'])));
    }
    for (const [key, found] of revisions) expect(Math.max(...found), key).to.equal(found.size - 1);
  });

  it('makes a deleted topic anew when the bridge is restarted', async () => {
    const { stack } = given;
    await admin((client) => client.deleteTopics({ topics: [stack.topic] }));
    await sendSome(given.load, 100);
    await stack.end(['bridge', 'projector'], 'SIGTERM');
    await stack.start();
    await expectKept();
  });

  it('fills from the event store what a topic lost before it was read', async () => {
    const { stack, load } = given;
    await stack.end(['projector'], 'SIGTERM');
    await sendSome(load, 200);
    await admin(async (client) => {
      const ends = await client.fetchTopicOffsets(stack.topic);
      const partitions = ends.map(({ partition, high }) => ({ partition, offset: high }));
      await client.deleteTopicRecords({ topic: stack.topic, partitions });
    });
    await stack.start();
    await expectKept();
  });

  it('reads the topic again without counting twice when its group is deleted', async () => {
    const { stack } = given;
    const group = await groupOf();
    await stack.end(['projector'], 'SIGTERM');
    await eventually(() => admin((client) => client.deleteGroups([group])), {
      withinMs: 60_000,
      everyMs: 500,
    });
    await stack.start();
    await expectKept();
    expect(await duplicates()).to.be.greaterThan(0);
  });

  for (const [where, earliest] of [
    ['to the beginning of the topic', true],
    ['to its end, past records that nobody has read', false],
  ] as const) {
    it(`counts every event once when the offsets of its group are moved ${where}`, async () => {
      const { stack, load } = given;
      const groupId = await groupOf();
      await stack.end(['projector'], 'SIGTERM');
      await sendSome(load, 200);
      await eventually(
        () => admin((client) => client.resetOffsets({ groupId, topic: stack.topic, earliest })),
        WITHIN_30_S,
      );
      await stack.start();
      await expectKept();
    });
  }

  /** A record that looks like one of the bridge, with one thing wrong. */
  const poisons = (base: KafkaRecord, other: number): readonly KafkaRecord[] => {
    const stream = `anime-${other}`;
    const headers = {
      ...base.headers,
      ce_id: randomUUID(),
      'esdb-record-stream-id': stream,
      ce_subject: stream,
    };
    const at = (revision: number, more: Partial<KafkaRecord>): KafkaRecord => ({
      key: stream,
      value: base.value,
      headers: { ...headers, 'esdb-record-stream-revision': String(revision) },
      ...more,
    });
    const data = { ...(JSON.parse(String(base.value)) as object), animeId: other };
    const mood = { ...headers, ce_type: 'MoodChanged', 'esdb-record-stream-revision': '0' };
    return [
      at(900_000, { value: Buffer.from('{"animeId":') }),
      at(900_001, { value: Buffer.from('{"schemaVersion":1,"animeId":"many"}') }),
      at(900_002, { value: null }),
      at(900_003, { value: Buffer.alloc(900_000, '[') }),
      // It can be read, but its stream does not have it.
      at(900_004, { value: Buffer.from(JSON.stringify(data)) }),
      { ...at(0, { value: base.value }), headers: {} },
      at(0, { headers: mood, value: Buffer.from('{"mood":"blue"}') }),
    ];
  };

  const letters = async (): Promise<readonly string[]> => {
    const { output } = await given.stack.job('dead-letters', 'list');
    return output.split('\n').filter((line) => line.includes('anime-'));
  };

  it('lists each poison record once and goes on with all others', async () => {
    const { stack } = given;
    const [base = expect.fail('nothing is on the topic')] = await publishedRecords(stack);
    const [, other = 0] = animeIds;
    const records = poisons(base, other);
    await publishTo(stack, records);
    await publishTo(stack, records);
    await expectMoving(stack, other);
    await eventually(
      async () => {
        const listed = (await letters()).filter((line) => line.includes(`anime-${other}@9`));
        expect(listed.map((line) => /@(\d+)/.exec(line)?.[1]).sort()).to.deep.equal([
          '900000',
          '900001',
          '900002',
          '900003',
          '900004',
        ]);
      },
      { withinMs: 60_000, everyMs: 500 },
    );
    await expectKept();
  });

  it('holds the partition of a poison record until the topic of dead letters is there again', async () => {
    const { stack } = given;
    const dlq = `${stack.topic}.dlq`;
    const [, , third = 0] = animeIds;
    await admin((client) => client.deleteTopics({ topics: [dlq] }));
    const poison = { key: `anime-${third}`, value: Buffer.from('{"'), headers: {} };
    await publishTo(stack, [poison]);
    await sendSome(given.load, 100);
    await eventually(() => createTopic(dlq, 1), WITHIN_30_S);
    await expectMoving(stack, third);
    await eventually(
      async () => expect((await letters()).join('\n')).to.contain(`anime-${third}@?`),
      { withinMs: 60_000, everyMs: 500 },
    );
    await expectKept();
  });

  it('accepts commands while the document store is down for two minutes, and catches up', async () => {
    const { mongodb, load } = given;
    await mongodb.kill();
    await delay(120_000);
    await sendSome(load, 100);
    await mongodb.start();
    await expectMoving(given.stack, witness);
    await expectKept();
  }).timeout(400_000);

  it('keeps its promises under random faults, one after the other', async () => {
    const { stack, load, kafka, mongodb, eventStore } = given;
    const random = seededRandom(load.seed);
    const servers = [kafka, mongodb, ...(eventStore.ours ? [eventStore] : [])];
    const parts = ['command-api', 'bridge', 'projector', 'query-api'] as const;
    const faults = [
      ...servers.map((server) => async () => {
        await server.kill();
        await server.start();
      }),
      ...parts.flatMap((part) =>
        (['SIGKILL', 'SIGTERM'] as const).map((signal) => async () => {
          await stack.end([part], signal);
          await stack.start([part]);
        }),
      ),
      ...parts.map((part) => async () => {
        const { pid } = stack.process(part);
        process.kill(pid, 'SIGSTOP');
        await delay(random() * 15_000);
        process.kill(pid, 'SIGCONT');
      }),
    ];
    process.stdout.write(`      FAULTS_SEED=${load.seed}\n`);
    for (let round = 0; round < 20; round += 1) {
      await faults[Math.floor(random() * faults.length)]?.();
      await sendSome(load, 50);
    }
    await expectKept();
  }).timeout(900_000);
});
