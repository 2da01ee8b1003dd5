import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import { runCommandLine as run } from '../support/command-line.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

describe('the command line', function () {
  this.timeout(60_000);

  it('prints its usage', async () => {
    const { code, output } = await run(['--help']);
    expect(code).to.equal(0);
    expect(output).to.contain('import-catalog FILE');
  });

  it('prints its version', async () => {
    expect((await run(['--version'])).output).to.match(/^\d+\.\d+\.\d+\n$/);
  });

  it('prints the effective settings with secrets masked', async () => {
    const { code, output } = await run(['config'], { API_KEYS: 'hunter2', HOST: '127.0.0.2' });
    expect(code).to.equal(0);
    expect(output).to.contain('HOST=127.0.0.2').and.to.contain('API_KEYS=***');
    expect(output).not.to.contain('hunter2');
  });

  it('explains every setting', async () => {
    expect((await run(['config', '--help'])).output).to.contain('EVENTSTORE_URL');
  });

  it('exits 2 on what it does not understand, and says why', async () => {
    const { code, errors } = await run(['sing']);
    expect(code).to.equal(2);
    expect(errors).to.contain('Unknown command sing.').and.to.contain('Usage:');
  });

  it('exits 2 on a wrong setting and names its variable', async () => {
    const { code, errors } = await run(['serve'], { COMMAND_PORT: 'eight' });
    expect(code).to.equal(2);
    expect(errors).to.contain('COMMAND_PORT');
  });

  describe('given a file that is no catalogue', () => {
    let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
    beforeEach(async () => {
      directory = await temporaryDirectory();
    });
    afterEach(() => directory.remove());

    for (const [what, content, message] of [
      ['a file that is not there', undefined, 'there is no such file.'],
      ['a directory', 'directory', 'this is a directory, not a file.'],
      ['a compressed file', gzipSync('uid,title\n1,A\n'), 'The file is compressed by gzip'],
      ['a file without titles', Buffer.from('uid,score\n1,8\n'), 'no column of titles'],
    ] as const) {
      it(`exits 2 on ${what}, and says why`, async () => {
        const path = join(directory.path, 'catalog.csv');
        if (content === 'directory') await mkdir(path);
        else if (content !== undefined) await writeFile(path, content);
        const environment = { DATA_DIR: join(directory.path, 'data'), NODE_ENV: 'test' };
        const { code, errors } = await run(['import-catalog', path], environment);
        expect(errors)
          .to.contain(`${path}: `)
          .and.to.contain(message)
          .and.not.to.contain('    at ');
        expect(code).to.equal(2);
      });
    }
  });

  for (const [role, variable] of [
    ['command-api', 'EVENTSTORE_URL'],
    ['bridge', 'EVENTSTORE_URL'],
    ['projector', 'EVENTSTORE_URL'],
    ['query-api', 'MONGODB_URL'],
  ] as const) {
    it(`refuses the role ${role} alone on embedded parts and names ${variable}`, async () => {
      const { code, errors } = await run(['serve', role]);
      expect(code).to.equal(2);
      expect(errors).to.contain(variable);
    });
  }
});
