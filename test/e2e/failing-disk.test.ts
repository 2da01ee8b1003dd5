import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { eventually } from '../support/eventually.js';
import { send } from '../support/http-client.js';
import { startServiceProcess, type ServiceProcess } from '../support/service-process.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

interface Health {
  readonly status: string;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly reasons?: Readonly<Record<string, string>>;
}

describe('a service whose data directory fails', function () {
  this.timeout(60_000);
  let home: Awaited<ReturnType<typeof temporaryDirectory>>;
  let dataDir: string;
  let service: ServiceProcess;

  beforeEach(async () => {
    home = await temporaryDirectory();
    dataDir = join(home.path, 'data');
    await mkdir(dataDir);
  });
  afterEach(async () => {
    await service.end('SIGKILL');
    await home.remove();
  });

  const start = async (): Promise<void> => {
    service = await startServiceProcess({ dataDir });
  };
  let episodes = 0;
  const command = async (padding = ''): Promise<number> => {
    const details = { title: `Akira ${padding}`, episodes: ++episodes };
    return (await send('PUT', `${service.commandUrl}/animes/1`, details)).status;
  };
  const health = async (): Promise<Health> =>
    (await (await fetch(`${service.commandUrl}/health`)).json()) as Health;
  const ready = async (): Promise<number> => (await fetch(`${service.commandUrl}/ready`)).status;
  const reasonOf = (dependency: string): Promise<string> =>
    eventually(async () => {
      const { status, dependencies, reasons = {} } = await health();
      expect({ status, [dependency]: dependencies[dependency] }).to.deep.equal({
        status: 'unhealthy',
        [dependency]: 'unhealthy',
      });
      return reasons[dependency] ?? '';
    });
  const healthyAgain = () =>
    eventually(async () => expect(await health()).to.include({ status: 'healthy' }), {
      withinMs: 30_000,
    });

  it('says that its directory was removed, and acknowledges nothing', async () => {
    await start();
    expect(await command()).to.equal(201);
    await rm(dataDir, { recursive: true });
    expect(await command()).to.equal(503);
    expect(await reasonOf('event-store')).to.include('was removed, moved or replaced');
    expect(await ready()).to.equal(503);
    expect(await command()).to.equal(503);
  });

  it('is healthy again once its directory is back', async () => {
    await start();
    await rename(dataDir, `${dataDir}.moved`);
    await reasonOf('event-store');
    await rename(`${dataDir}.moved`, dataDir);
    await healthyAgain();
    expect(await command()).to.equal(201);
  });

  it('says that its disk is full, and is healthy again once there is room', async function () {
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', dataDir], { stdio: 'pipe' });
    } catch (error) {
      process.stdout.write(`      Skipped, since nothing can be mounted here: ${String(error)}\n`);
      this.skip();
    }
    try {
      await start();
      expect(await command()).to.equal(201);
      const ballast = join(dataDir, 'ballast');
      expect(() => writeFileSync(ballast, Buffer.alloc(20_000_000))).to.throw('ENOSPC');
      await eventually(async () => expect(await command('x'.repeat(200))).to.equal(503));
      expect(await reasonOf('event-store')).to.include('disk of the event log is full');
      expect(await reasonOf('read-models-saved')).to.include('disk');
      expect(await ready()).to.equal(503);
      rmSync(ballast);
      await healthyAgain();
      expect(await command()).to.equal(200);
    } finally {
      await service.end('SIGKILL');
      execFileSync('umount', [dataDir]);
    }
  });
});
