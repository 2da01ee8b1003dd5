import { cp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { copyLog, restoreDrill } from '../support/restore-drill.js';
import { runCommandLine } from '../support/command-line.js';
import { query, send } from '../support/http-client.js';
import { startServiceProcess } from '../support/service-process.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const CLICK = { anime_id: 1, user_id: 'user123' };

describe('a data directory combined from two copies', function () {
  this.timeout(120_000);
  let data: Awaited<ReturnType<typeof temporaryDirectory>>;
  let backup: Awaited<ReturnType<typeof temporaryDirectory>>;
  beforeEach(async () => {
    data = await temporaryDirectory();
    backup = await temporaryDirectory();
  });
  afterEach(async () => {
    await data.remove();
    await backup.remove();
  });

  it('is detected at the start, reported and repaired: lost events disappear, new ones count', async () => {
    const drill = await restoreDrill(data.path, backup.path, () => undefined);
    expect(drill.before.output).to.contain(
      'ahead: anime 1 holds events that the log does not have',
    );
    expect(drill.before.output).to.contain('anime-analytics rebuild promote');
    expect(drill.before.code).to.equal(1);
    expect(drill.told).to.equal(2);
    expect(drill.counted).to.deep.equal({ clicks: 4, later: null });
    expect(drill.after).to.include({ code: 0 });
    expect(drill.after.output).to.contain('v1 equals the log.');
  });

  it('can be repaired by a rebuild that is promoted before the wrong version is pruned', async () => {
    const dataDir = data.path;
    const job = (...args: string[]) =>
      runCommandLine(args, { DATA_DIR: dataDir, NODE_ENV: 'test' });
    for (const args of [['--sample-catalog', 'data/sample-catalog.csv'], []]) {
      const service = await startServiceProcess({ dataDir, args });
      for (let sent = 0; sent < 3; sent += 1) {
        await send('POST', `${service.commandUrl}/click`, CLICK);
      }
      expect(await service.end('SIGTERM')).to.equal(0);
      if (args.length > 0) await copyLog(dataDir, backup.path);
    }
    await copyLog(backup.path, dataDir);
    expect(await job('rebuild')).to.include({ code: 0 });
    expect((await job('rebuild', 'status')).output).to.match(
      /^v1 +active .* 0 events behind, 1 anime ahead of the log\nv2 +ready .* 0 events behind\n$/,
    );
    expect(await job('rebuild', 'promote')).to.include({ code: 0, output: 'v2 is active.\n' });
    expect(await job('rebuild', 'prune', 'v1')).to.include({ code: 0 });
    const { code, output } = await job('audit');
    expect(output).to.contain('v2 equals the log.');
    expect(code).to.equal(0);
  });

  it('gets older documents updated, including titles that they lack', async () => {
    const dataDir = data.path;
    const models = (of: string) => join(of, 'read-models');
    const started = await startServiceProcess({ dataDir });
    await send('PUT', `${started.commandUrl}/animes/1`, { title: 'The first' });
    await started.end('SIGTERM');
    await cp(models(dataDir), models(backup.path), { recursive: true });
    const later = await startServiceProcess({ dataDir });
    await send('POST', `${later.commandUrl}/click`, CLICK);
    await send('PUT', `${later.commandUrl}/animes/2`, { title: 'The second' });
    await later.end('SIGTERM');
    await rm(models(dataDir), { recursive: true });
    await cp(models(backup.path), models(dataDir), { recursive: true });
    const restored = await startServiceProcess({ dataDir });
    const asked =
      '{ animeStats(animeId: 1, minRevision: "1") { totalClicks } anime(animeId: 2, minRevision: "0") { title } }';
    expect(await query(restored.queryUrl, asked)).to.deep.equal({
      animeStats: { totalClicks: 1 },
      anime: { title: 'The second' },
    });
    await restored.end('SIGTERM');
  });

  it('is refused where the log is gone, naming the folder to delete, and starts without it', async () => {
    const dataDir = data.path;
    const started = await startServiceProcess({ dataDir });
    await send('PUT', `${started.commandUrl}/animes/1`, { title: 'The first' });
    await started.end('SIGTERM');
    for (const name of await readdir(dataDir)) {
      if (name.startsWith('events.db')) await rm(join(dataDir, name));
    }
    const { code, errors } = await runCommandLine(['serve'], {
      DATA_DIR: dataDir,
      NODE_ENV: 'test',
      EVENTSTORE_PORT: '0',
      COMMAND_PORT: '0',
      QUERY_PORT: '0',
    });
    expect(code).to.equal(2);
    const [, folder = ''] =
      /read models in (\S+) are of another event log.* delete that folder/.exec(errors) ?? [];
    await rm(folder, { recursive: true });
    const anew = await startServiceProcess({ dataDir });
    const listed = await send('PUT', `${anew.commandUrl}/animes/1`, { title: 'The first again' });
    expect(listed.status).to.equal(201);
    expect(await anew.end('SIGTERM')).to.equal(0);
  });
});
