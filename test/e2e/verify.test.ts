import { join } from 'node:path';
import { expect } from 'chai';
import { openDatabase } from '../../src/embedded-eventstore/sqlite.js';
import { runCommandLine as run } from '../support/command-line.js';
import { send } from '../support/http-client.js';
import { startServiceProcess } from '../support/service-process.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const CLICK = { anime_id: 1, user_id: 'user123' };

describe('verify', function () {
  this.timeout(120_000);
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let service: Awaited<ReturnType<typeof startServiceProcess>>;

  beforeEach(async () => {
    directory = await temporaryDirectory();
    service = await startServiceProcess({
      dataDir: directory.path,
      environment: { EVENTSTORE_PORT: '0' },
      args: ['--sample-catalog', 'data/sample-catalog.csv'],
    });
    for (let count = 0; count < 3; count += 1) {
      await send('POST', `${service.commandUrl}/click`, CLICK);
    }
  });
  afterEach(async () => {
    await service.end('SIGTERM');
    await directory.remove();
  });

  const job = (...args: string[]) => run(args, { DATA_DIR: directory.path, NODE_ENV: 'test' });
  const spoil = async (sql: string) => {
    await service.end('SIGTERM');
    const db = openDatabase(join(directory.path, 'events.db'));
    db.exec(sql);
    db.close();
  };
  const STREAM = "(SELECT id FROM streams WHERE name = 'anime-1')";

  it('finds the stores of a running and of a stopped service sound', async () => {
    const beside = await job('verify', '--json');
    expect(beside.code, beside.errors).to.equal(0);
    const found = JSON.parse(beside.output) as { files: { file: string; problems: string[] }[] };
    expect(found.files.map(({ file }) => file)).to.include.members([
      'events.db',
      join('read-models', 'versions.db'),
    ]);
    expect(found.files.flatMap(({ problems }) => problems)).to.deep.equal([]);
    await service.end('SIGTERM');
    const { code, output } = await job('verify');
    expect(output)
      .to.contain('events.db: sound, ')
      .and.to.match(/v1 equals the log\.\n$/);
    expect(code).to.equal(0);
  });

  it('names a stream whose revisions have a hole', async () => {
    await spoil(`DELETE FROM events WHERE stream = ${STREAM} AND revision = 1`);
    const { code, output } = await job('verify');
    expect(output).to.contain('events.db: Stream anime-1 has holes: 3 events from revision 0 to 3');
    expect(code).to.equal(1);
  });

  it('names a stream whose positions do not increase', async () => {
    await spoil(`
      UPDATE events SET position = position + 1000000000 WHERE stream = ${STREAM} AND revision = 1`);
    const { code, output } = await job('verify');
    expect(output).to.contain('Stream anime-1: the position of revision 2 is not after');
    expect(code).to.equal(1);
  });

  it('takes a scavenged stream as whole', async () => {
    await spoil(`
      INSERT INTO retention VALUES (${STREAM}, 2);
      DELETE FROM events WHERE stream = ${STREAM} AND revision IN (0, 1)`);
    expect((await job('verify')).output).to.contain('events.db: sound');
  });

  it('is refused where the log is on a server', async () => {
    const { code, errors } = await run(['verify'], { EVENTSTORE_URL: 'esdb://127.0.0.1:1' });
    expect(errors).to.match(/^EVENTSTORE_URL: verify works on the embedded event store/);
    expect(code).to.equal(2);
  });
});
