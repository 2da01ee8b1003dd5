import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { readLogIdentity } from '../../src/compose/log-identity.js';
import { openDatabase } from '../../src/embedded-eventstore/sqlite.js';
import { runCommandLine as run } from '../support/command-line.js';
import { openEmbedded } from '../support/embedded.js';
import { eventually } from '../support/eventually.js';
import { query, send } from '../support/http-client.js';
import { cannotMount, full } from '../support/mounts.js';
import { startServiceProcess } from '../support/service-process.js';
import {
  type ServiceWithJobs,
  startServiceWithJobs,
  WITHOUT_GRPC,
} from '../support/service-with-jobs.js';

const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url));
const CLICK = { anime_id: 1, user_id: 'user123' };

describe('backup and restore', function () {
  this.timeout(120_000);
  let fixture: ServiceWithJobs;
  let dataDir: string;
  let directory: string;
  let target: string;

  const start = (path: string) => startServiceProcess({ dataDir: path, environment: WITHOUT_GRPC });
  const job = (path: string, ...args: string[]) => run(args, { DATA_DIR: path, NODE_ENV: 'test' });
  const logIdOf = async (path: string) => {
    const embedded = await openEmbedded(path);
    const logId = await readLogIdentity(embedded.eventStore);
    await embedded.close();
    return logId;
  };
  const clicksOf = async (url: string) => {
    const { animeStats } = await query(url, '{ animeStats(animeId: 1) { totalClicks } }');
    return (animeStats as { totalClicks: number } | null)?.totalClicks ?? 0;
  };

  const ballast = () => join(dataDir, 'read-models', 'large.db');
  /** Copying it takes a while, so that a backup can be stopped. */
  const addBallast = () => {
    const large = openDatabase(ballast());
    large.exec(
      'CREATE TABLE ballast (bytes BLOB); INSERT INTO ballast VALUES (zeroblob(200000000))',
    );
    large.close();
  };
  const untilBegun = () =>
    eventually(async () => expect(await readdir(directory)).to.include('backup.partial'), {
      withinMs: 60_000,
    });

  beforeEach(async () => {
    fixture = await startServiceWithJobs({ environment: WITHOUT_GRPC, clicks: 3 });
    ({ dataDir, directory } = fixture);
    target = join(directory, 'backup');
  });
  afterEach(() => fixture.close());

  it('take a running service under load elsewhere, where it goes on as the same log', async () => {
    const clicking = new AbortController();
    const load = (async () => {
      while (!clicking.signal.aborted) await fixture.click();
    })();
    const made = await job(dataDir, 'backup', target, '--json');
    clicking.abort();
    await load;
    expect(made.code, made.errors).to.equal(0);
    const restored = join(directory, 'restored');
    const { code, errors } = await job(restored, 'restore', target);
    expect(code, errors).to.equal(0);
    const other = await start(restored);
    await send('POST', `${other.commandUrl}/click`, CLICK);
    await eventually(async () => expect(await clicksOf(other.queryUrl)).to.be.at.least(4));
    await other.end('SIGTERM');
    expect((await job(restored, 'verify')).output).to.match(/v1 equals the log\.\n$/);
    await fixture.service.end('SIGTERM');
    expect(await logIdOf(restored)).to.equal(await logIdOf(dataDir));
    expect((JSON.parse(made.output) as { logId: string }).logId).to.equal(await logIdOf(dataDir));
  });

  it('work without the documents, which the service recomputes', async () => {
    await fixture.service.end('SIGTERM');
    expect((await job(dataDir, 'backup', target, '--log-only')).code).to.equal(0);
    expect(await readdir(target)).to.not.include('read-models');
    const restored = join(directory, 'restored');
    await mkdir(restored);
    expect((await job(restored, 'restore', target)).code).to.equal(0);
    const other = await start(restored);
    await eventually(async () => expect(await clicksOf(other.queryUrl)).to.equal(3));
    await other.end('SIGTERM');
  });

  it('overwrite neither a backup nor a data directory', async () => {
    await mkdir(target);
    const made = await job(dataDir, 'backup', target);
    expect(made.errors + made.output).to.contain(`${target} exists already.`);
    expect(made.code).to.equal(1);
    expect((await job(dataDir, 'backup', `${target}-2`)).code).to.equal(0);
    const refused = await job(dataDir, 'restore', `${target}-2`);
    expect(refused.errors).to.match(/^DATA_DIR: .* is not empty/);
    expect(refused.code).to.equal(2);
  });

  it('refuse a backup that was changed, before anything is written', async () => {
    expect((await job(dataDir, 'backup', target)).code).to.equal(0);
    await appendFile(join(target, 'events.db'), 'x');
    const restored = join(directory, 'restored');
    const { code, errors } = await job(restored, 'restore', target);
    expect(errors).to.equal(
      'The backup is damaged: events.db differs from what manifest.json says.\n',
    );
    expect(code).to.equal(1);
    const manifest = await readFile(join(target, 'manifest.json'), 'utf8');
    await writeFile(join(target, 'manifest.json'), manifest.replace('dead-letters.db', '../x.db'));
    const escaping = await job(restored, 'restore', target);
    expect(escaping.errors).to.equal('The backup is damaged: manifest.json cannot be read.\n');
    expect(await readdir(directory)).to.not.include('restored');
    const missing = await job(restored, 'restore', directory);
    expect(missing.errors).to.contain('is not a backup: it has no manifest.json.');
  });

  for (const signal of ['SIGINT', 'SIGKILL'] as const) {
    it(`leave nothing that looks like a backup after ${signal}`, async () => {
      await fixture.service.end('SIGTERM');
      addBallast();
      const child = spawn(process.execPath, [MAIN, 'backup', target], {
        env: { PATH: process.env['PATH'], DATA_DIR: dataDir, NODE_ENV: 'test' },
        stdio: 'ignore',
      });
      const exit = once(child, 'exit');
      await untilBegun();
      child.kill(signal);
      await exit;
      const names = await readdir(directory);
      expect(names).to.not.include('backup');
      if (signal === 'SIGINT') expect(names).to.not.include('backup.partial');
      await rm(ballast());
      expect((await job(dataDir, 'backup', target)).code).to.equal(0);
      expect(await readdir(directory)).to.not.include('backup.partial');
    });
  }

  it('leave nothing that looks like a backup after Ctrl-C while a service makes it, which goes on', async () => {
    addBallast();
    const child = spawn(process.execPath, [MAIN, 'backup', target], {
      env: { PATH: process.env['PATH'], DATA_DIR: dataDir, NODE_ENV: 'test' },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const exit = once(child, 'exit') as Promise<[number]>;
    const errors = text(child.stderr);
    await untilBegun();
    child.kill('SIGINT');
    expect((await exit)[0]).to.equal(1);
    expect(await errors).to.contain('Stopped.');
    const names = await readdir(directory);
    expect(names).to.not.include.members(['backup']);
    expect(names).to.not.include.members(['backup.partial']);
    await fixture.click();
    await eventually(async () => expect(await clicksOf(fixture.service.queryUrl)).to.equal(4));
    await rm(ballast());
    expect((await job(dataDir, 'backup', target)).code).to.equal(0);
  });

  it('leave nothing that looks like a backup on a full disk', async function () {
    if (cannotMount() !== undefined) this.skip();
    await fixture.service.end('SIGTERM');
    const disk = join(directory, 'disk');
    await mkdir(disk);
    const environment = { DATA_DIR: dataDir, NODE_ENV: 'test' };
    const through = [...full(disk), 'sh', '-c', '"$@"; code=$?; ls "$0"; exit $code', disk];
    const { code, output, errors } = await run(
      ['backup', join(disk, 'backup')],
      environment,
      process.cwd(),
      { through },
    );
    expect(errors).to.match(/The backup was not made: .*(full|no space)/i);
    expect(output).to.equal('ballast\n');
    expect(code).to.equal(1);
  });
});
