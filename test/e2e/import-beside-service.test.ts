import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, type WriteStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { eventually } from '../support/eventually.js';
import { query, send } from '../support/http-client.js';
import {
  type ServiceWithJobs,
  startServiceWithJobs,
  WITHOUT_GRPC,
} from '../support/service-with-jobs.js';

const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url));

describe('import-catalog beside a running service without EVENTSTORE_PORT', function () {
  this.timeout(120_000);
  let fixture: ServiceWithJobs;

  beforeEach(async () => {
    fixture = await startServiceWithJobs({ environment: WITHOUT_GRPC, args: [] });
  });
  afterEach(() => fixture.close());

  const run = (...args: string[]) => fixture.job(...args);

  const anime = async (id: number) => {
    const { anime: found } = await query(
      fixture.service.queryUrl,
      `{ anime(animeId: ${id}) { title score } }`,
    );
    return found as { title: string; score: number | null } | null;
  };

  it('reports rejected rows, and obeys --clear and --relist', async () => {
    const file = join(fixture.directory, 'catalog.csv');
    await writeFile(file, 'anime_id,name,score\n1,First,7.5\n2,Second,8\n0,None,1\n');
    const first = await run('import-catalog', file);
    expect(first.output).to.match(/2 listed, 0 revised, 0 unchanged.* 1 row rejected/);
    expect(first.code).to.equal(1);
    await send('DELETE', `${fixture.service.commandUrl}/animes/2`);

    await writeFile(file, 'anime_id,name,score\n1,First,\n2,Second,8\n3,Third,9\n');
    const kept = await run('import-catalog', file);
    expect(kept.output).to.match(/1 listed, 0 revised, 1 unchanged, 1 delisted and skipped/);
    expect(kept.code).to.equal(0);

    const changed = await run('import-catalog', file, '--clear', '--relist');
    expect(changed.output).to.match(/1 listed, 1 revised, 1 unchanged, 0 delisted/);
    await eventually(async () =>
      expect(await anime(1)).to.deep.equal({ title: 'First', score: null }),
    );
    expect(await run('audit')).to.include({ code: 0 });
  });

  /** An import of a file that does not end before the test says so. */
  const startImport = async () => {
    const file = join(fixture.directory, 'pipe.csv');
    execFileSync('mkfifo', [file]);
    const child = spawn(process.execPath, [MAIN, 'import-catalog', file], {
      env: { PATH: process.env['PATH'], DATA_DIR: fixture.dataDir, NODE_ENV: 'test' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const pipe = createWriteStream(file).on('error', () => undefined);
    const ended = ending(child);
    pipe.write('anime_id,name\n');
    writeRows(pipe, 1, 1500);
    await eventually(
      async () => {
        const { status } = await send('GET', `${fixture.service.commandUrl}/animes/500/events`);
        expect(status).to.equal(200);
      },
      { withinMs: 60_000 },
    );
    return { child, pipe, ended };
  };

  const importAgain = async () => {
    const file = join(fixture.directory, 'whole.csv');
    const whole = createWriteStream(file);
    whole.write('anime_id,name\n');
    writeRows(whole, 1, 2000);
    whole.end();
    await once(whole, 'close');
    expect(await run('import-catalog', file)).to.include({ code: 0 });
    expect((await run('audit')).output)
      .to.contain('2000 anime')
      .and.to.contain(' 0 different');
  };

  for (const [signal, sentence] of [
    ['SIGKILL', 'The service stopped before the job was done: run the job again.'],
    ['SIGTERM', 'The service is stopping: run the job again once it is back.'],
  ] as const) {
    it(`says so where the service gets ${signal}, and continues with another run`, async () => {
      const { pipe, ended } = await startImport();
      await fixture.service.end(signal);
      writeRows(pipe, 1501, 2000);
      pipe.end();
      const { code, output } = await ended;
      expect(output).to.contain(`Failed (${sentence})`);
      expect(code).to.equal(1);
      await fixture.restart();
      await importAgain();
    });
  }

  it('is stopped by Ctrl-C, which leaves the service alone', async () => {
    const { child, pipe, ended } = await startImport();
    child.kill('SIGINT');
    writeRows(pipe, 1501, 2000);
    pipe.end();
    const { code, output } = await ended;
    expect(output).to.contain('Stopped after');
    expect(code).to.equal(1);
    await importAgain();
  });

  it('may be killed without harm to the service', async () => {
    const { child, pipe, ended } = await startImport();
    child.kill('SIGKILL');
    await ended;
    pipe.destroy();
    await importAgain();
  });
});

const ending = async (child: ChildProcess) => {
  if (child.stdout === null || child.stderr === null) throw new Error('No output.');
  const exit = once(child, 'exit') as Promise<[number | null]>;
  const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: (await exit)[0], output, errors };
};

/** Long enough that an import sees more than it needs to recognise the columns. */
const PADDING = 'x'.repeat(90);

const writeRows = (file: WriteStream, first: number, last: number): void => {
  const rows = Array.from({ length: last + 1 - first }, (_, index) => first + index);
  file.write(rows.map((id) => `${id},Title ${id} ${PADDING}\n`).join(''));
};
