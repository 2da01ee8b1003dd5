import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { parseInvocation } from '../../src/cli/arguments.js';
import { readComposeFile } from '../support/compose-file.js';

/** What npm does by itself, without a script. */
const BUILT_INTO_NPM = ['help', 'install'];

/** test-stack is test:stack, bench-stream-growth is bench:stream-growth. */
const scriptOf = (target: string): string => target.replace('-', ':');

const targets = async (): Promise<readonly string[]> => {
  const text = await readFile('Makefile', 'utf8');
  const [, phony = ''] = /^\.PHONY: ((?:.*\\\n)*.*)$/m.exec(text) ?? [];
  return phony.split(/[\s\\]+/);
};

const scripts = async (): Promise<Readonly<Record<string, string>>> => {
  const manifest = JSON.parse(await readFile('package.json', 'utf8')) as {
    readonly scripts: Readonly<Record<string, string>>;
  };
  return manifest.scripts;
};

const script = async (name: string): Promise<string> =>
  (await scripts())[name] ?? expect.fail(`there is no script ${name}`);

describe('the Makefile', () => {
  it('explains every target, and declares each of them phony', async () => {
    const text = await readFile('Makefile', 'utf8');
    const explained = [...text.matchAll(/^([a-z-]+):.*## \S/gm)].map(([, name]) => name);
    expect(explained).to.have.members(await targets());
  });

  it('has one target for each npm script, which runs that script', async () => {
    const text = await readFile('Makefile', 'utf8');
    const run = new Map(
      [...text.matchAll(/^([a-z-]+):.*## .*\n\tnpm run (\S+)/gm)].map(
        ([, target = '', name = '']) => [target, name] as const,
      ),
    );
    expect([...run.values()]).to.have.members(Object.keys(await scripts()));
    for (const [target, name] of run) expect(name).to.equal(scriptOf(target));
    expect([...run.keys(), ...BUILT_INTO_NPM]).to.have.members(await targets());
  });
});

describe('the npm scripts of the stack', () => {
  for (const name of ['up', 'down', 'logs', 'ps', 'seed', 'clean']) {
    it(`${name} uses a Compose file that exists`, async () => {
      const files = [...(await script(name)).matchAll(/docker compose -f (\S+) /g)];
      expect(files).to.not.be.empty;
      for (const [, file = ''] of files) expect(existsSync(file), file).to.equal(true);
    });
  }

  it('up waits until the stack is healthy', async () => {
    expect(await script('up')).to.match(/ up .*--build --wait /);
  });

  it('down keeps the data, clean removes it, and the menu says so', async () => {
    expect(await script('down')).not.to.contain('--volumes');
    expect(await script('clean')).to.contain('down --volumes');
    const { stdout } = await promisify(execFile)('make', ['help']);
    expect(stdout).to.match(/make clean .*WITH ITS DATA/);
  });

  it('seed imports a file of the image in a role that has the event store', async () => {
    const [, name = '', args = ''] = /run --rm (\S+) (.*)$/.exec(await script('seed')) ?? [];
    const invocation = parseInvocation(args.split(' '));
    expect(invocation.command).to.equal('import-catalog');
    const { file } = invocation as { readonly file: string };
    expect(await readFile('.dockerignore', 'utf8')).to.contain(`!${file}\n`);
    const service = (await readComposeFile()).services[name];
    expect(service?.environment).to.have.property('EVENTSTORE_URL');
  });
});
