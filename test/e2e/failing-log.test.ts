import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { eventually } from '../support/eventually.js';
import { send } from '../support/http-client.js';
import {
  startServiceProcess,
  type ServiceProcess,
  type ServiceProcessOptions,
} from '../support/service-process.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

describe('a service whose log fails', function () {
  this.timeout(60_000);
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let service: ServiceProcess | undefined;

  beforeEach(async () => {
    directory = await temporaryDirectory();
    service = undefined;
  });
  afterEach(async () => {
    await service?.end('SIGKILL');
    await directory.remove();
  });

  const start = async (options: Partial<ServiceProcessOptions>): Promise<ServiceProcess> => {
    service = await startServiceProcess({
      dataDir: join(directory.path, 'data'),
      ...options,
      // A line for each request.
      environment: { LOG_LEVEL: 'debug', ...options.environment },
    });
    return service;
  };

  let episodes = 0;
  const expectToAnswer = async ({ commandUrl }: ServiceProcess): Promise<void> => {
    const details = { title: 'Akira', episodes: ++episodes };
    const { status } = await send('PUT', `${commandUrl}/animes/1`, details);
    expect(status).to.be.oneOf([200, 201]);
  };

  const lostLines = async ({ commandUrl }: ServiceProcess): Promise<number> => {
    const metrics = await (await fetch(`${commandUrl}/metrics`)).text();
    return Number(/^anime_analytics_log_lines_lost_total (\d+)$/m.exec(metrics)?.[1]);
  };
  const expectToLose = (running: ServiceProcess) =>
    eventually(async () => expect(await lostLines(running)).to.be.greaterThan(0));

  it('starts, answers and counts with a full disk behind standard error', async () => {
    const running = await start({ shell: 'exec "$@" 2>/dev/full' });
    await expectToAnswer(running);
    await expectToLose(running);
    expect(await running.end('SIGTERM')).to.equal(0);
  });

  it('starts and answers with standard error closed, and counts no lost line', async () => {
    const running = await start({ shell: 'exec "$@" 2>&-' });
    await expectToAnswer(running);
    expect(await lostLines(running)).to.equal(0);
    expect(await running.end('SIGTERM')).to.equal(0);
  });

  it('continues, and counts lost lines, when the reader of standard error closes it', async () => {
    const running = await start({});
    await expectToAnswer(running);
    expect(await lostLines(running)).to.equal(0);
    running.hangUp();
    await expectToAnswer(running);
    await expectToLose(running);
    await expectToAnswer(running);
    expect(await running.end('SIGTERM')).to.equal(0);
  });

  it('continues, and counts lost lines, when head has read enough', async () => {
    const pipe = join(directory.path, 'pipe');
    const shell = `mkfifo ${pipe} && { head -n 1 ${pipe} >/dev/null & } && exec "$@" 2>${pipe}`;
    const running = await start({ shell });
    await expectToAnswer(running);
    await expectToLose(running);
    expect(await running.end('SIGTERM')).to.equal(0);
  });

  it('continues when the reader of standard error hangs', async () => {
    const pipe = join(directory.path, 'pipe');
    const running = await start({ shell: `mkfifo ${pipe} && exec "$@" 2<>${pipe}` });
    // More lines than a pipe holds.
    const headers = { 'x-request-id': 'r'.repeat(128), 'x-correlation-id': 'c'.repeat(128) };
    for (let round = 0; round < 25; round++) {
      const requests = Array.from({ length: 16 }, () =>
        fetch(`${running.commandUrl}/live`, { headers }),
      );
      await Promise.all(requests);
    }
    await expectToAnswer(running);
    expect(await running.end('SIGTERM')).to.equal(0);
  });

  it('starts, answers and counts with LOG_DIR on a full disk, and writes once it has space', async function () {
    const disk = join(directory.path, 'disk');
    await mkdir(disk);
    try {
      const options = ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', disk];
      execFileSync('mount', options, { stdio: 'pipe' });
    } catch (error) {
      process.stdout.write(`      Skipped, since nothing can be mounted here: ${String(error)}\n`);
      this.skip();
    }
    try {
      const filler = join(disk, 'filler');
      expect(() => writeFileSync(filler, Buffer.alloc(1024 * 1024))).to.throw('ENOSPC');
      const running = await start({ environment: { LOG_DIR: disk } });
      await expectToAnswer(running);
      await expectToLose(running);
      rmSync(filler);
      await eventually(async () => {
        await expectToAnswer(running);
        const [log = 'none'] = readdirSync(disk).filter((name) => name.endsWith('.log'));
        expect(readFileSync(join(disk, log), 'utf8')).to.include('Request completed');
      });
      expect(await running.end('SIGTERM')).to.equal(0);
    } finally {
      await service?.end('SIGKILL');
      execFileSync('umount', [disk]);
    }
  });
});
