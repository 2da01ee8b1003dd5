import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EventStoreDBClient } from '@eventstore/db-client';
import { expect } from 'chai';
import { openEventLog } from '../../src/embedded-eventstore/log/open-event-log.js';
import { openDatabase } from '../../src/embedded-eventstore/sqlite.js';
import { silentLogger } from '../../src/platform/observability/logger.js';
import { eventually } from '../support/eventually.js';
import { rejectionOf } from '../support/rejection-of.js';
import { send } from '../support/http-client.js';
import { rawEvent } from '../support/event-log.js';
import {
  startServiceProcess,
  startWaitingService,
  type ServiceProcess,
} from '../support/service-process.js';
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

  it('says that a page of its log is damaged', async () => {
    await start();
    await service.end('SIGTERM');
    const log = await openEventLog({ directory: dataDir, logger: silentLogger() });
    // More than SQLite keeps in memory, so that a read meets the damage.
    for (let n = 0; n < 40; n++) {
      const data = Buffer.alloc(20_000, ' ');
      const events = Array.from({ length: 40 }, () => rawEvent({ data }));
      await log.append(`other-${n}`, 'no_stream', events);
    }
    await log.close();
    checkpointed(dataDir);
    await start();
    await damage(dataDir, 'r+');
    const client = EventStoreDBClient.connectionString(service.eventStoreUrl);
    try {
      await rejectionOf(readAll(client));
      expect(await reasonOf('event-store')).to.include('is damaged');
      expect(await ready()).to.equal(503);
    } finally {
      await client.dispose();
    }
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

describe('a service that finds its data damaged at the start', function () {
  this.timeout(60_000);
  let home: Awaited<ReturnType<typeof temporaryDirectory>>;
  beforeEach(async () => {
    home = await temporaryDirectory();
    await (await startServiceProcess({ dataDir: home.path })).end('SIGTERM');
  });
  afterEach(() => home.remove());

  const outcome = async () => {
    const service = await startWaitingService({
      dataDir: home.path,
      environment: { LOG_LEVEL: 'error' },
    });
    return { code: await service.ended, told: service.errors() };
  };

  const spoilCheckpoint = async (): Promise<void> => {
    const log = await openEventLog({ directory: home.path, logger: silentLogger() });
    const { stream = 'none' } =
      log.readAll('start', 'forwards', 100).find((one) => /^bridge-checkpoint-/.test(one.stream)) ??
      {};
    await log.append(stream, 'any', [rawEvent({ type: 'Nonsense' })]);
    await log.close();
  };

  it('ends with one sentence where a page of the log is damaged', async () => {
    checkpointed(home.path);
    await damage(home.path, 'w');
    const { code, told } = await outcome();
    expect(code).to.equal(1);
    expect(told).to.match(
      /^DATA_DIR: .* is damaged\. Restore a backup, or set another directory\.\n$/,
    );
  });

  it('ends with the way out where the checkpoint cannot be read, and the way works', async () => {
    await spoilCheckpoint();
    const { code, told } = await outcome();
    expect(code).to.equal(1);
    expect(told).to.match(
      /^The bridge's checkpoint .* cannot be read .* with a new checkpoint\.\n$/,
    );
    await rm(join(home.path, 'read-models'), { recursive: true });
    const service = await startServiceProcess({ dataDir: home.path });
    expect(await service.end('SIGTERM')).to.equal(0);
  });
});

const checkpointed = (dataDir: string): void => {
  const db = openDatabase(join(dataDir, 'events.db'));
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  db.close();
};

const PAGE = 4096;

/** Every page from the fifth on holds garbage. */
const damage = async (dataDir: string, flag: 'r+' | 'w'): Promise<void> => {
  const path = join(dataDir, 'events.db');
  const bytes = await readFile(path);
  for (let at = 5 * PAGE; at < bytes.length; at += PAGE) bytes.fill(0xa5, at, at + PAGE);
  await writeFile(path, bytes, { flag });
};

const readAll = async (client: EventStoreDBClient): Promise<number> => {
  let count = 0;
  for await (const { event } of client.readAll()) count += event === undefined ? 0 : 1;
  return count;
};
