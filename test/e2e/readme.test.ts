import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { expect } from 'chai';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const FENCE = /```sh\n([^]*?)```/g;

/** The commands of all shell examples, in order, without comments; continued lines are joined. */
const commandsOf = (markdown: string): string[] =>
  [...markdown.matchAll(FENCE)].flatMap(([, block = '']) =>
    block
      .replaceAll('\\\n', ' ')
      .split('\n')
      .map((line) => line.replace(/\s+#.*$/, '').trim())
      .filter((line) => line !== ''),
  );

/** Under `npx --package=...` an inner npx would look for its command in that package. */
const environmentHere = { ...process.env };
delete environmentHere['npm_config_package'];

const shell = async (command: string, environment: NodeJS.ProcessEnv) => {
  const child = spawn('bash', ['-c', command], {
    env: { ...environmentHere, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exit = once(child, 'exit') as Promise<[number]>;
  const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: (await exit)[0], output, errors };
};

/** Already proven by running at all: they are what runs this test, or run for the rest of the day. */
const RUNS_THIS = ['make test'];

describe('the commands of the README', function () {
  this.timeout(240_000);

  it('work as written', async () => {
    const commands = commandsOf(await readFile('README.md', 'utf8'));
    expect(commands[0]).to.equal('make run');
    const directory = await temporaryDirectory();
    const environment = {
      NODE_ENV: 'development',
      COMMAND_PORT: '0',
      QUERY_PORT: '0',
      EVENTSTORE_PORT: String(await freePort()),
      DATA_DIR: directory.path,
    };
    const service = spawn('bash', ['-c', 'exec make run'], {
      env: { ...environmentHere, ...environment },
      stdio: ['ignore', 'pipe', 'inherit'],
      detached: true,
    });
    const exit = once(service, 'exit') as Promise<[number | null]>;
    let output = '';
    service.stdout.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
    try {
      await eventually(() => expect(output).to.match(/is ready\.[^]*\n\n/), { withinMs: 180_000 });
      const port = (name: string) => new RegExp(`${name}\\s+\\S+?:(\\d+)`).exec(output)?.[1] ?? '';
      for (const command of commands.slice(1)) {
        if (RUNS_THIS.includes(command)) continue;
        const here = command
          .replaceAll('localhost:8000', `127.0.0.1:${port('Command API')}`)
          .replaceAll('localhost:8001', `127.0.0.1:${port('GraphQL')}`);
        const { code, output: answer, errors } = await shell(here, environment);
        expect(code, `${command}\n${answer}\n${errors}`).to.equal(0);
        expect(answer, command).not.to.equal('');
        if (command.startsWith('curl')) {
          expect(JSON.parse(answer), command).not.to.have.any.keys('errors', 'detail');
        }
      }
      process.kill(-(service.pid ?? 0), 'SIGINT');
      await exit;
    } finally {
      if (service.exitCode === null && service.signalCode === null) {
        process.kill(-(service.pid ?? 0), 'SIGKILL');
      }
      await directory.remove();
    }
  });
});
