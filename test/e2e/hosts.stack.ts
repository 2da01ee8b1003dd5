import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { click, hosts, isWell, list, sees, type Hosts } from '../support/hosts.js';
import type { ServiceProcess } from '../support/service-process.js';
import { openKafka } from '../support/stack/kafka.js';
import { openMongodb } from '../support/stack/mongodb.js';
import { orSkip } from '../support/stack/server.js';
import { removeTraces, type Traces } from '../support/stack/traces.js';

const ANIME_IDS = Array.from({ length: 12 }, (_, index) => index + 1);
const LONG = { withinMs: 60_000 };

/** Every row of docs/hosts.md that needs Kafka or MongoDB. */
describe('the service in any combination of servers', function () {
  this.timeout(240_000);
  let servers: Pick<Traces, 'kafka' | 'mongodb'>;
  let traces: Traces;
  let on: Hosts;

  before(async function () {
    this.timeout(300_000);
    const kafka = await orSkip(this, 'kafka', openKafka);
    const mongodb = await orSkip(this, 'mongodb', openMongodb);
    servers = { kafka: kafka.address, mongodb: mongodb.address };
  });
  beforeEach(() => {
    const topic = `test-${randomUUID().slice(0, 8)}`;
    traces = { ...servers, topic, database: topic.replaceAll('-', '_') };
    on = hosts();
  });
  afterEach(async () => {
    await on.stop();
    await removeTraces(traces);
  });

  const kafka = () => ({
    KAFKA_BROKERS: traces.kafka,
    KAFKA_TOPIC: traces.topic,
    KAFKA_GROUP: traces.topic,
  });
  const mongodb = (suffix = '') => ({
    MONGODB_URL: traces.mongodb,
    MONGODB_DATABASE: `${traces.database}${suffix}`,
  });
  const server = async () => ({ EVENTSTORE_URL: await on.eventStore() });

  /** Commands to each of them, for anime on every partition, are in the documents of all. */
  const expectAllIn = async (services: readonly ServiceProcess[], before = 0): Promise<void> => {
    const written = new Map<number, unknown>();
    for (const animeId of ANIME_IDS) {
      for (const service of services) {
        if (before === 0 && service === services[0]) await list(service, animeId);
        written.set(animeId, await click(service, animeId));
      }
    }
    const clicks = before + services.length;
    for (const service of services) {
      for (const [animeId, revision] of written) {
        await sees(service, animeId, { clicks, revision }, LONG);
      }
      await isWell(service);
    }
  };

  describe('on one host', () => {
    for (const [name, settings] of [
      ['an embedded event store and Kafka', () => kafka()],
      ['an embedded event store and MongoDB', () => mongodb()],
      ['an embedded event store, Kafka and MongoDB', () => ({ ...kafka(), ...mongodb() })],
      ['a server and Kafka', async () => ({ ...(await server()), ...kafka() })],
      ['a server and MongoDB', async () => ({ ...(await server()), ...mongodb() })],
      [
        'a server, Kafka and MongoDB',
        async () => ({ ...(await server()), ...kafka(), ...mongodb() }),
      ],
    ] as const) {
      it(`serves all on ${name}`, async () => {
        await expectAllIn([await on.start(await settings())]);
      });
    }
  });

  describe('with separate APIs', () => {
    it('accepts commands in one and answers queries in the other, on a server and MongoDB', async () => {
      const shared = { ...(await server()), ...mongodb() };
      await on.start(shared);
      const commands = await on.start(shared, undefined, 'command-api');
      const queries = await on.start(shared, undefined, 'query-api');
      await list(commands, 1);
      await sees(queries, 1, { clicks: 1, revision: await click(commands, 1) }, LONG);
    });
  });

  describe('on two hosts', () => {
    const startBoth = async (first: NodeJS.ProcessEnv, second = first) =>
      [await on.start(first), await on.start(second)] as const;

    it('gives each all anime on Kafka, with documents of its own', async () => {
      const shared = { ...(await server()), ...kafka() };
      const dataDir = await on.directory();
      const first = await on.start(shared, dataDir);
      const second = await on.start(shared);
      await expectAllIn([first, second]);
      expect(await first.end('SIGTERM')).to.equal(0);
      await expectAllIn([second], 2);
      await expectAllIn([await on.start(shared, dataDir)], 3);
    });

    it('refuses on Kafka a copy of the documents that another process feeds', async () => {
      const shared = { ...(await server()), ...kafka() };
      const dataDir = await on.directory();
      await expectAllIn([await on.start(shared, dataDir)]);
      const refusal = await on.refusalOf(shared, await on.copyOfDocuments(dataDir));
      expect(refusal).to.match(/DATA_DIR: .* are a copy/);
    });

    it('shares one database on Kafka', async () => {
      await expectAllIn(await startBoth({ ...(await server()), ...kafka(), ...mongodb() }));
    });

    it('fills two databases on Kafka, also where each had one process before', async () => {
      const shared = { ...(await server()), ...kafka() };
      const [first, second] = [mongodb(), mongodb('_other')];
      const alone = await on.start({ ...shared, ...first });
      await expectAllIn([alone]);
      expect(await alone.end('SIGTERM')).to.equal(0);
      const other = await on.start({ ...shared, ...second });
      await expectAllIn([other], 1);
      await expectAllIn([other, await on.start({ ...shared, ...first })], 2);
    });

    it('shares one database without Kafka: the second feeds it when the first ends', async () => {
      const shared = { ...(await server()), ...mongodb() };
      const [first, second] = await startBoth(shared);
      await expectAllIn([first, second]);
      expect(await first.end('SIGTERM')).to.equal(0);
      await expectAllIn([second], 2);
    });

    it('fills two databases without Kafka', async () => {
      const shared = await server();
      await expectAllIn(
        await startBoth({ ...shared, ...mongodb() }, { ...shared, ...mongodb('_other') }),
      );
    });

    it('feeds its own documents in one, and a topic in the other', async () => {
      const shared = await server();
      await expectAllIn(await startBoth(shared, { ...shared, ...kafka(), ...mongodb() }));
    });

    it('refuses the documents of another log in one database', async () => {
      await expectAllIn([await on.start(mongodb())]);
      expect(await on.refusalOf(mongodb())).to.match(/MONGODB_DATABASE: .* of another event log/);
    });

    it('refuses the topic of another log', async () => {
      await expectAllIn([await on.start(kafka())]);
      expect(await on.refusalOf(kafka())).to.match(/KAFKA_TOPIC: The topic holds the log /);
    });
  });
});
