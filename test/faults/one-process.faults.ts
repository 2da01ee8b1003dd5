import { join } from 'node:path';
import { expect } from 'chai';
import {
  expectHistoryKept,
  recordCommands,
  sendSome,
  type CommandHistory,
} from '../support/command-history.js';
import { runCommandLine } from '../support/command-line.js';
import { startEmbeddedNode, type EmbeddedNode } from '../support/embedded-node.js';
import { fakeClock, type FakeClock } from '../support/fake-clock.js';
import { FULL } from '../support/faults.js';
import { mountSmallDisk, type SmallDisk } from '../support/mounts.js';
import { startServiceProcess, type ServiceProcess } from '../support/service-process.js';
import { list, readBack } from '../support/stack/story.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const ANIME_IDS = Array.from({ length: 10 }, (_, index) => index + 1);

/** One fault after the other, each under load, on the embedded profile. */
describe('the service in one process, under a fault', function () {
  this.timeout(120_000);
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let dataDir: string;
  let environment: NodeJS.ProcessEnv;
  let started: ServiceProcess | undefined;
  let history: CommandHistory | undefined;
  let disk: SmallDisk | undefined;
  let node: EmbeddedNode | undefined;

  beforeEach(async () => {
    directory = await temporaryDirectory();
    dataDir = join(directory.path, 'data');
    environment = { LOG_LEVEL: 'error' };
    [started, history, disk, node] = [undefined, undefined, undefined, undefined];
  });

  afterEach(async () => {
    await history?.finish();
    await started?.end('SIGKILL');
    await node?.kill('SIGKILL');
    disk?.unmount();
    await directory.remove();
  });

  const service = (): ServiceProcess => started ?? expect.fail('The service does not run.');

  const start = async (): Promise<void> => {
    started = await startServiceProcess({ dataDir, environment });
  };

  const startLoad = async (): Promise<CommandHistory> => {
    await start();
    await list(service().commandUrl, ANIME_IDS);
    history = recordCommands({ commandUrl: () => service().commandUrl, animeIds: ANIME_IDS });
    await sendSome(history, 200);
    return history;
  };

  /** The load goes on and ends; the log has what was acknowledged, and the documents equal the log. */
  const expectPromisesKept = async (load: CommandHistory): Promise<void> => {
    await sendSome(load, 200);
    await load.finish();
    await expectHistoryKept(service().commandUrl, load);
    await readBack(service(), 1);
    expect(await service().end('SIGTERM')).to.equal(0);
    const environmentOfJob = { ...environment, DATA_DIR: dataDir, NODE_ENV: 'test' };
    const { code, output, errors } = await runCommandLine(['audit'], environmentOfJob);
    expect(code, output + errors).to.equal(0);
  };

  const useSmallDisk = (context: Mocha.Context): SmallDisk => {
    try {
      disk = mountSmallDisk(dataDir, 24);
      return disk;
    } catch (error) {
      process.stdout.write(`      skipped: nothing can be mounted here: ${String(error)}\n`);
      return context.skip();
    }
  };

  describe('of its disk', () => {
    it('refuses commands while the disk of the log is full, and goes on once there is space', async function () {
      const { fill, free } = useSmallDisk(this);
      const load = await startLoad();
      fill();
      await sendSome(load, 50, { outcome: 'unavailable' });
      free();
      await expectPromisesKept(load);
    });

    it('has every acknowledged event after a kill -9 on a full disk', async function () {
      const { fill, free } = useSmallDisk(this);
      const load = await startLoad();
      fill();
      await sendSome(load, 50, { outcome: 'unavailable' });
      await service().end('SIGKILL');
      free();
      await start();
      await expectPromisesKept(load);
    });

    it('accepts commands while the disk of the documents is full, and updates them once there is space', async function () {
      const { fill, free } = useSmallDisk(this);
      node = await startEmbeddedNode({ dataDir: join(directory.path, 'log') });
      environment = { ...environment, EVENTSTORE_URL: node.connectionString };
      const load = await startLoad();
      fill();
      await sendSome(load, 1_000, { withinMs: 60_000 });
      free();
      await expectPromisesKept(load);
    });
  });

  it('loses and duplicates no event when its event store is killed and restarted', async () => {
    const log = join(directory.path, 'log');
    node = await startEmbeddedNode({ dataDir: log });
    const { port, connectionString } = node;
    environment = { ...environment, EVENTSTORE_URL: connectionString };
    const load = await startLoad();
    for (let round = 0; round < (FULL ? 6 : 1); round += 1) {
      await node.kill('SIGKILL');
      // It is back at once, or only after commands were refused.
      if (round % 2 === 1) await sendSome(load, 20, { outcome: 'unavailable' });
      node = await startEmbeddedNode({ dataDir: log, port });
      await sendSome(load, 200);
    }
    await expectPromisesKept(load);
  });

  it('keeps order and goes on when the clock jumps by two hours, forward and back', async function () {
    const clock: FakeClock = fakeClock(this, join(directory.path, 'clock'));
    environment = { ...environment, ...clock.environment };
    const load = await startLoad();
    for (const jump of ['+2h', '-2h', '+0', '+90s', '-1h']) {
      clock.set(jump);
      const unavailable = load.count('unavailable') + load.count('unknown');
      await sendSome(load, 300);
      await readBack(service(), 1);
      expect(load.count('unavailable') + load.count('unknown'), jump).to.equal(unavailable);
    }
    await expectPromisesKept(load);
  });

  it('exits with 0 whenever it is stopped under load, and loses nothing', async () => {
    const load = await startLoad();
    for (let round = 0; round < (FULL ? 40 : 3); round += 1) {
      await sendSome(load, (load.seed >> (round % 16)) % 100);
      expect(await service().end('SIGTERM'), service().errors()).to.equal(0);
      await start();
    }
    await expectPromisesKept(load);
  }).timeout(900_000);
});
