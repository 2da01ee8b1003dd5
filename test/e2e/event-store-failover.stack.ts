import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import {
  expectHistoryKept,
  recordCommands,
  sendSome,
  type CommandHistory,
} from '../support/command-history.js';
import { runCommandLine } from '../support/command-line.js';
import { startEmbeddedNode } from '../support/embedded-node.js';
import { eventStoreCluster, type EventStoreCluster } from '../support/event-store-cluster.js';
import { startServiceProcess, type ServiceProcess } from '../support/service-process.js';
import { list, readBack } from '../support/stack/story.js';
import { stopAll } from '../support/stack/stop-all.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const ANIME_IDS = [1, 2, 3, 4, 5];
/** How long there is no leader; an election of EventStoreDB takes about as long. */
const ELECTION_MS = 3_000;

/** Three nodes in front of one log. What a client sees of a change of the leader is as in a cluster. */
describe('the service on a cluster of EventStoreDB whose leader changes under load', function () {
  this.timeout(120_000);
  let toStop: { stop(): Promise<void> }[];
  let cluster: EventStoreCluster;
  let service: ServiceProcess;
  let load: CommandHistory;
  let environment: NodeJS.ProcessEnv;

  const start = async (addressOf: (hosts: readonly string[]) => string): Promise<void> => {
    const directory = await temporaryDirectory();
    const node = await startEmbeddedNode({ dataDir: `${directory.path}/log` });
    cluster = await eventStoreCluster(node, 3);
    environment = {
      EVENTSTORE_URL: `${addressOf(cluster.hosts)}?tls=false`,
      DATA_DIR: `${directory.path}/service`,
      LOG_LEVEL: 'error',
    };
    toStop.push(cluster, node, { stop: () => directory.remove() });
    service = await startServiceProcess({ dataDir: `${directory.path}/service`, environment });
    toStop.unshift({
      stop: async () => {
        await service.end('SIGKILL');
      },
    });
    await list(service.commandUrl, ANIME_IDS);
    load = recordCommands({
      commandUrl: () => service.commandUrl,
      animeIds: ANIME_IDS,
      paceMs: 20,
    });
    toStop.unshift({ stop: () => load.finish() });
    await sendSome(load, 100);
  };

  beforeEach(() => {
    toStop = [];
  });
  afterEach(() => stopAll(toStop));

  const expectNothingLost = async (): Promise<void> => {
    await sendSome(load, 100);
    await load.finish();
    await expectHistoryKept(service.commandUrl, load);
    for (const animeId of ANIME_IDS) await readBack(service, animeId);
    const { code, output, errors } = await runCommandLine(['audit'], {
      ...environment,
      NODE_ENV: 'test',
    });
    expect(code, output + errors).to.equal(0);
  };

  const everyHost = (hosts: readonly string[]): string => `esdb://${hosts.join(',')}`;
  const discovered = (hosts: readonly string[]): string => `esdb+discover://${hosts[2] ?? ''}`;

  for (const [written, addressOf] of [
    ['that lists its nodes', everyHost],
    ['that is discovered', discovered],
  ] as const) {
    it(`loses and duplicates no event when the leader of a cluster ${written} is killed`, async () => {
      await start(addressOf);
      cluster.elect(null);
      cluster.kill(0);
      await delay(ELECTION_MS);
      cluster.elect(1);
      await readBack(service, 1);
      await cluster.start(0);
      await expectNothingLost();
    });

    it(`loses and duplicates no event when the leader of a cluster ${written} resigns`, async () => {
      await start(addressOf);
      cluster.elect(null);
      await delay(ELECTION_MS);
      cluster.elect(1);
      await expectNothingLost();
      expect(cluster.redirected()).to.be.greaterThan(0);
    });
  }
});
