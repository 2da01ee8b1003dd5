import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { openKafkaEventBus } from '../../src/adapters/kafka/bus.js';
import { silentLogger } from '../../src/platform/observability/logger.js';
import {
  expectHistoryKept,
  recordCommands,
  sendSome,
  type CommandHistory,
} from '../support/command-history.js';
import { runCommandLine } from '../support/command-line.js';
import { eventually } from '../support/eventually.js';
import { gapsIn } from '../support/recording-bus.js';
import { startServiceProcess, type ServiceProcess } from '../support/service-process.js';
import { startKafkaCluster, type KafkaCluster } from '../support/stack/kafka-cluster.js';
import { itemsOn } from '../support/stack/published-records.js';
import { describeTopic, partitionsBehind } from '../support/stack/kafka-topic.js';
import { orSkip } from '../support/stack/server.js';
import { list, readBack } from '../support/stack/story.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const ANIME_IDS = Array.from({ length: 10 }, (_, index) => index + 1);
const PARTITIONS = 3;

/** The service on three brokers; each record is on all three, and acknowledged once two have it. */
describe('the service on three Kafka brokers', function () {
  this.timeout(240_000);

  const topic = `test-${randomUUID().slice(0, 8)}`;
  let cluster: KafkaCluster;
  let directory: Awaited<ReturnType<typeof temporaryDirectory>> | undefined;
  let service: ServiceProcess | undefined;
  let load: CommandHistory | undefined;
  let environment: NodeJS.ProcessEnv;

  before(async function () {
    let opened: KafkaCluster | undefined;
    await orSkip(this, 'kafka', async () => (opened = await startKafkaCluster()), { own: true });
    cluster = opened ?? expect.fail('There is no cluster.');
    directory = await temporaryDirectory();
    environment = {
      LOG_LEVEL: 'error',
      DATA_DIR: directory.path,
      KAFKA_BROKERS: cluster.address,
      KAFKA_TOPIC: topic,
      KAFKA_GROUP: topic,
      KAFKA_PARTITIONS: String(PARTITIONS),
      KAFKA_REPLICATION_FACTOR: '3',
      KAFKA_MIN_INSYNC_REPLICAS: '2',
    };
    service = await startServiceProcess({ dataDir: directory.path, environment });
    await list(service.commandUrl, ANIME_IDS);
    await readBack(service, 1, 60_000);
  });
  after(async () => {
    await load?.finish();
    await service?.end('SIGKILL');
    await (cluster as KafkaCluster | undefined)?.stop();
    await directory?.remove();
  });

  // A broker that is back has to copy what it missed before another one may be missing.
  beforeEach(() =>
    eventually(
      async () => expect(await partitionsBehind(cluster.address.split(','), 3)).to.deep.equal([]),
      { withinMs: 60_000 },
    ),
  );

  const running = (): ServiceProcess => service ?? expect.fail('The service does not run.');

  const startLoad = async (): Promise<CommandHistory> => {
    const commandUrl = (): string => running().commandUrl;
    load = recordCommands({ commandUrl, animeIds: ANIME_IDS, paceMs: 20, clients: 4 });
    await sendSome(load, 100);
    return load;
  };

  /** Ends the load; what was acknowledged is in the log and in the documents once, and on the topic. */
  const expectNothingLost = async (history: CommandHistory): Promise<void> => {
    await history.finish();
    await expectHistoryKept(running().commandUrl, history);
    for (const animeId of ANIME_IDS) await readBack(running(), animeId, 60_000);
    const { code, output, errors } = await runCommandLine(['audit'], {
      ...environment,
      NODE_ENV: 'test',
    });
    expect(code, output + errors).to.equal(0);
    const settings = { topic, partitions: PARTITIONS, replicationFactor: 0 };
    const brokers = cluster.address.split(',');
    const bus = await openKafkaEventBus({ ...settings, brokers, logger: silentLogger() });
    try {
      const items = await itemsOn(bus, `${topic}-${randomUUID()}`);
      const events = items.flatMap((item) => (item.kind === 'event' ? [item.event] : []));
      expect(gapsIn(events)).to.deep.equal([]);
    } finally {
      await bus.close();
    }
  };

  it('creates its topics with the copies that it is configured for', async () => {
    for (const name of [topic, `${topic}.dlq`]) {
      expect(await describeTopic(cluster.address.split(','), name), name).to.deep.equal({
        copies: 3,
        minInSync: '2',
      });
    }
  });

  for (const index of [0, 1, 2]) {
    it(`loses and duplicates no event when broker ${index + 1} is killed under load`, async () => {
      const node = cluster.nodes[index] ?? expect.fail('There is no such broker.');
      const history = await startLoad();
      await node.kill();
      await sendSome(history, 100);
      await readBack(running(), 1, 60_000);
      await sendSome(history, 100);
      await expectNothingLost(history);
      await node.start();
    });
  }

  it('accepts commands while two brokers are down, says why events wait, and catches up', async () => {
    const [, ...others] = cluster.nodes;
    const history = await startLoad();
    await Promise.all(others.map((node) => node.kill()));
    await sendSome(history, 200);
    await eventually(async () => expect(await reasons()).to.match(/Kafka.*No event is published/), {
      withinMs: 60_000,
    });
    await sendSome(history, 200);
    await history.finish();
    expect(history.count('unavailable') + history.count('unknown')).to.equal(0);
    await Promise.all(others.map((node) => node.start()));
    await readBack(running(), 1, 120_000);
    await expectNothingLost(history);
  });

  const reasons = async (): Promise<string> => {
    const response = await fetch(`${running().commandUrl}/health`);
    const { reasons: given } = (await response.json()) as { readonly reasons?: object };
    expect(response.status).to.equal(503);
    return JSON.stringify(given);
  };
});
