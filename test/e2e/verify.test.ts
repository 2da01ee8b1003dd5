import { join } from 'node:path';
import { expect } from 'chai';
import { openDatabase } from '../../src/embedded-eventstore/sqlite.js';
import { runCommandLine as run } from '../support/command-line.js';
import {
  type ServiceWithJobs,
  startServiceWithJobs,
  WITHOUT_GRPC,
} from '../support/service-with-jobs.js';

describe('verify', function () {
  this.timeout(120_000);
  let fixture: ServiceWithJobs;

  beforeEach(async () => {
    fixture = await startServiceWithJobs({ environment: WITHOUT_GRPC, clicks: 3 });
  });
  afterEach(() => fixture.close());

  const spoil = async (sql: string) => {
    await fixture.service.end('SIGTERM');
    const db = openDatabase(join(fixture.dataDir, 'events.db'));
    db.exec(sql);
    db.close();
  };
  const STREAM = "(SELECT id FROM streams WHERE name = 'anime-1')";

  it('finds the stores of a running and of a stopped service sound', async () => {
    const beside = await fixture.job('verify', '--json');
    expect(beside.code, beside.errors).to.equal(0);
    const found = JSON.parse(beside.output) as { files: { file: string; problems: string[] }[] };
    expect(found.files.map(({ file }) => file)).to.include.members([
      'events.db',
      join('read-models', 'versions.db'),
    ]);
    expect(found.files.flatMap(({ problems }) => problems)).to.deep.equal([]);
    await fixture.service.end('SIGTERM');
    const { code, output } = await fixture.job('verify');
    expect(output)
      .to.contain('events.db: sound, ')
      .and.to.match(/v1 equals the log\.\n$/);
    expect(code).to.equal(0);
  });

  it('names a stream whose revisions have a hole', async () => {
    await spoil(`DELETE FROM events WHERE stream = ${STREAM} AND revision = 1`);
    const { code, output } = await fixture.job('verify');
    expect(output).to.contain('events.db: Stream anime-1 has holes: 3 events from revision 0 to 3');
    expect(code).to.equal(1);
  });

  it('names a stream whose positions do not increase', async () => {
    await spoil(`
      UPDATE events SET position = position + 1000000000 WHERE stream = ${STREAM} AND revision = 1`);
    const { code, output } = await fixture.job('verify');
    expect(output).to.contain('Stream anime-1: the position of revision 2 is not after');
    expect(code).to.equal(1);
  });

  it('takes a scavenged stream as whole', async () => {
    await spoil(`
      INSERT INTO retention VALUES (${STREAM}, 2);
      DELETE FROM events WHERE stream = ${STREAM} AND revision IN (0, 1)`);
    expect((await fixture.job('verify')).output).to.contain('events.db: sound');
  });

  it('is refused where the log is on a server', async () => {
    const { code, errors } = await run(['verify'], { EVENTSTORE_URL: 'esdb://127.0.0.1:1' });
    expect(errors).to.match(/^EVENTSTORE_URL: verify works on the embedded event store/);
    expect(code).to.equal(2);
  });
});
