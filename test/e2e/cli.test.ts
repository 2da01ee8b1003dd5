import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';

const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url));

const run = async (args: readonly string[], environment: NodeJS.ProcessEnv = {}) => {
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { PATH: process.env['PATH'], ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exit = once(child, 'exit') as Promise<[number]>;
  const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: (await exit)[0], output, errors };
};

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

  for (const [name, args, message] of [
    ['an unknown command', ['sing'], 'Unknown command sing.'],
    ['an unknown role', ['serve', 'poet'], 'Unknown role poet'],
    ['an unknown option', ['serve', '--loud'], '--loud'],
    ['an import without a file', ['import-catalog'], 'import-catalog needs a file.'],
    ['too many arguments', ['serve', 'all', 'now'], 'Too many arguments: now.'],
  ] as const) {
    it(`exits 2 on ${name}`, async () => {
      const { code, errors } = await run(args);
      expect(code).to.equal(2);
      expect(errors).to.contain(message);
    });
  }

  it('exits 2 on a wrong setting and names its variable', async () => {
    const { code, errors } = await run(['serve'], { COMMAND_PORT: 'eight' });
    expect(code).to.equal(2);
    expect(errors).to.contain('COMMAND_PORT');
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
