import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import { COMMANDS } from '../../src/cli/help.js';
import { runCommandLine as run } from '../support/command-line.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

describe('the command line', function () {
  this.timeout(60_000);

  it('prints its usage', async () => {
    const { code, output } = await run(['--help']);
    expect(code).to.equal(0);
    expect(output).to.contain('import-catalog ');
  });

  for (const command of Object.keys(COMMANDS)) {
    it(`explains ${command} with its options, environment, exit codes and an example`, async () => {
      const { code, output } = await run([command, '--help']);
      expect(output).to.match(
        /^Usage: anime-analytics [^]*\nOptions:[^]*\nEnvironment: [^]*\nExit codes: 0 [^]*\nExample: anime-analytics /,
      );
      expect(code).to.equal(0);
    });
  }

  it('prints the settings as one JSON document, secrets masked', async () => {
    const { output } = await run(['config', '--json'], { API_KEYS: 'hunter2' });
    const { settings } = JSON.parse(output) as { settings: Record<string, string> };
    expect(settings).to.include({ API_KEYS: '***', HOST: '127.0.0.1' });
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

  it('exits 2 on wrong usage, and says why', async () => {
    const { code, errors } = await run(['sing']);
    expect(code).to.equal(2);
    expect(errors).to.match(/^Usage: [^\n]+\nHelp: {2}[^\n]+\nUnknown command sing\.\n$/);
  });

  it('exits 2 on a wrong setting and names its variable', async () => {
    const { code, errors } = await run(['serve'], { COMMAND_PORT: 'eight' });
    expect(code).to.equal(2);
    expect(errors).to.contain('COMMAND_PORT');
  });

  for (const [variable, value] of [
    ['KAFKA_TLS', ''],
    ['ALLOW_INSECURE', 'maybe'],
    ['RATE_LIMIT_PER_MINUTE', '1e3'],
    ['TRUST_PROXY', '10.0.0.0/64'],
    ['MONGODB_URL', 'mongodb://user:hunter2@7777/x@db'],
    ['EVENTSTORE_URL', 'esdb://user:1234?hunter2@db'],
  ] as const) {
    it(`exits 2 on ${variable}=${value} with one sentence, without a secret and a stack`, async () => {
      const { code, output, errors } = await run(['serve'], { [variable]: value });
      expect(errors.trim().split('\n')).to.have.length(1);
      expect(errors).to.contain(`(${variable}): `);
      expect(output + errors).not.to.match(/hunter2|7777|1234/);
      expect(code).to.equal(2);
    });
  }

  it('warns of a name that is nearly a setting, and goes on', async () => {
    const { code, errors } = await run(['config'], { KAFKA_BROKER: 'h:9092', KAFKA_HOME: '/opt' });
    expect(errors).to.equal(
      'KAFKA_BROKER is not a setting and has no effect. Did you mean KAFKA_BROKERS?\n',
    );
    expect(code).to.equal(0);
  });

  describe('with a file .env', () => {
    let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
    beforeEach(async () => {
      directory = await temporaryDirectory();
    });
    afterEach(() => directory.remove());
    const file = () => join(directory.path, '.env');

    it('reads what Windows writes, and the environment overrides it', async () => {
      const text = '\uFEFFHOST=127.0.0.2\r\nexport KAFKA_GROUP="a group"\r\nQUERY_PORT=9001\r\n';
      await writeFile(file(), Buffer.from(text, 'utf16le'));
      const { output, errors } = await run(['config'], { QUERY_PORT: '9002' }, directory.path);
      expect(errors).to.equal('');
      expect(output)
        .to.contain('HOST=127.0.0.2\n')
        .and.to.contain('KAFKA_GROUP=a group\n')
        .and.to.contain('QUERY_PORT=9002\n');
    });

    it('exits 2 where it is a directory or in another encoding, and says why', async () => {
      await writeFile(file(), Buffer.from([0x41, 0x3d, 0xe9]));
      const encoded = await run(['config'], {}, directory.path);
      expect(encoded.errors).to.equal('.env: it is neither UTF-8 nor UTF-16. Save it as UTF-8.\n');
      await rm(file());
      await mkdir(file());
      const made = await run(['config'], {}, directory.path);
      expect(made.errors).to.match(/^\.env: .*it is a directory.*\n$/);
      expect([encoded.code, made.code]).to.deep.equal([2, 2]);
    });
  });

  describe('with a file that is not a catalogue', () => {
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
        const environment = { DATA_DIR: directory.path, NODE_ENV: 'test' };
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
