import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { makeImageFiles } from '../support/stack/image-files.js';
import { NotHere } from '../support/stack/server.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

describe('the files of the image', function () {
  this.timeout(600_000);
  let folder: Awaited<ReturnType<typeof temporaryDirectory>>;
  let app: string;
  let environment: NodeJS.ProcessEnv;
  let service: ChildProcess | undefined;

  before(async function () {
    folder = await temporaryDirectory();
    try {
      app = await makeImageFiles(folder.path);
    } catch (error) {
      if (!(error instanceof NotHere)) throw error;
      process.stdout.write(`      skipped: ${error.message}\n`);
      this.skip();
    }
    environment = {
      PATH: process.env['PATH'],
      NODE_ENV: 'production',
      HOST: '0.0.0.0',
      ALLOW_ANONYMOUS: 'true',
      DATA_DIR: join(folder.path, 'data'),
      EVENTSTORE_PORT: '0',
    };
    for (const name of ['COMMAND_PORT', 'QUERY_PORT', 'BRIDGE_PORT', 'PROJECTOR_PORT']) {
      environment[name] = String(await freePort());
    }
  });

  after(async () => {
    service?.kill('SIGKILL');
    await folder.remove();
  });

  it('contain no development tool', async () => {
    const packages = await readdir(join(app, 'node_modules'));
    expect(packages).to.include('express');
    expect(packages).to.not.include('typescript').and.not.include('mocha');
    expect(await readdir(app)).to.have.members([
      ...['config', 'data', 'dist', 'docker', 'node_modules', 'package.json', 'projections'],
    ]);
    expect(await readdir(join(app, 'dist'))).to.have.members(['dashboard', 'src']);
  });

  it('are enough to start the service, import the sample, be healthy and stop', async () => {
    const program = ['dist/src/main.js', 'serve', '--sample-catalog', 'data/sample-catalog.csv'];
    service = spawn(process.execPath, program, { cwd: app, env: environment, stdio: 'inherit' });
    const exit = once(service, 'exit');
    const run = promisify(execFile);
    await eventually(async () => {
      await run(process.execPath, ['docker/healthcheck.js', '/ready'], {
        cwd: app,
        env: environment,
      });
    });
    const answer = await fetch(`http://127.0.0.1:${environment['COMMAND_PORT'] ?? ''}/click`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ anime_id: 1, user_id: 'user123' }),
    });
    expect(answer.status).to.equal(201);
    service.kill('SIGTERM');
    expect(await exit).to.deep.equal([0, null]);
  });
});
