import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { runCommandLine as run } from '../support/command-line.js';
import { type ServiceWithJobs, startServiceWithJobs } from '../support/service-with-jobs.js';

const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url));

interface Exported {
  readonly position: string;
  readonly stream: string;
  readonly revision: string;
  readonly type: string;
  readonly data: object;
}

describe('export', function () {
  this.timeout(120_000);
  let fixture: ServiceWithJobs;

  beforeEach(async () => {
    fixture = await startServiceWithJobs({ clicks: 3 });
  });
  afterEach(() => fixture.close());

  const job = (...args: string[]) => fixture.job('export', ...args);
  const eventsOf = (output: string) =>
    output
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Exported);

  it('writes the same events beside a running service, by EVENTSTORE_URL and from a stopped one', async () => {
    const beside = await job('--types', 'ClickRegistered');
    expect(beside.code, beside.errors).to.equal(0);
    const clicks = eventsOf(beside.output);
    expect(clicks).to.have.length(3);
    expect(clicks.map(({ stream }) => stream)).to.deep.equal(['anime-1', 'anime-1', 'anime-1']);
    expect(clicks.map(({ revision }) => revision)).to.deep.equal(['1', '2', '3']);
    expect(clicks[0]?.data).to.include({ animeId: 1 });
    const url = await run(['export', '--types', 'ClickRegistered'], {
      EVENTSTORE_URL: fixture.service.eventStoreUrl,
    });
    expect(url.output, url.errors).to.equal(beside.output);
    await fixture.service.end('SIGTERM');
    expect((await job('--types', 'ClickRegistered')).output).to.equal(beside.output);
  });

  it('goes on after a position', async () => {
    await fixture.service.end('SIGTERM');
    const all = eventsOf((await job()).output);
    const since = all[4]?.position ?? '';
    expect(eventsOf((await job('--since', since)).output)).to.deep.equal(all.slice(5));
    expect((await job('--since', all.at(-1)?.position ?? '')).output).to.equal('');
  });

  it('writes CSV with a line of column names', async () => {
    await fixture.service.end('SIGTERM');
    const [columns, first] = (
      await job('--format', 'csv', '--types', 'ClickRegistered')
    ).output.split('\n');
    expect(columns).to.equal('position,stream,revision,id,type,recordedAt,data,metadata');
    expect(first).to.match(/^\d+,anime-1,1,[0-9a-f-]{36},ClickRegistered,[-0-9T:.]+Z,"\{""/);
  });

  it('ends in silence when the reader of its pipe leaves', async () => {
    await fixture.service.end('SIGTERM');
    const child = spawn(
      'bash',
      ['-c', `"$0" "$1" export | head -1; echo "\${PIPESTATUS[0]}"`, process.execPath, MAIN],
      {
        env: { PATH: process.env['PATH'], DATA_DIR: fixture.dataDir, NODE_ENV: 'test' },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    const exit = once(child, 'exit');
    const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr)]);
    await exit;
    expect(errors).to.equal('');
    expect(output).to.match(/^\{"position".*\}\n0\n$/);
  });

  it('refuses formats and positions that it does not know', async () => {
    const format = await job('--format', 'xml');
    expect(format.errors).to.contain('--format is ndjson or csv, not xml.');
    const since = await job('--since', '-1x');
    expect([format.code, since.code]).to.deep.equal([2, 2]);
  });
});
