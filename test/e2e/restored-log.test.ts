import { expect } from 'chai';
import { copyLog, restoreDrill } from '../support/restore-drill.js';
import { runCommandLine } from '../support/command-line.js';
import { send } from '../support/http-client.js';
import { startServiceProcess } from '../support/service-process.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const CLICK = { anime_id: 1, user_id: 'user123' };

describe('a data directory whose log was restored from an older copy', function () {
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

  it('is found out at the start, told and mended: lost events are not shown, new ones count', async () => {
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

  it('can be mended by a rebuild, which is promoted over the wrong version, and that one pruned', async () => {
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
});
