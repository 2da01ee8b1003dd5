import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { parseInvocation } from '../../src/cli.js';
import { readComposeFile } from '../support/compose-file.js';

/** What npm has of its own, and so needs no script. */
const OF_NPM = ['help', 'install'];

/** test-stack is test:stack, bench-stream-growth is bench:stream-growth. */
const scriptOf = (target: string): string => target.replace('-', ':');

const STACK_TARGETS = ['up', 'down', 'logs', 'ps', 'seed', 'clean'];

/** The commands that make would run. */
const planned = async (target: string): Promise<string> =>
  (await promisify(execFile)('make', ['--dry-run', '--no-print-directory', target])).stdout;

/** Lines of a recipe as one, as a script of npm has to be. */
const asOneLine = (recipe: string): string =>
  recipe.replace(/\\\n/g, ' ').trim().replace(/\n/g, '; ').replace(/ +/g, ' ');

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

describe('the menu', () => {
  it('explains every target, and takes none for a file', async () => {
    const text = await readFile('Makefile', 'utf8');
    const explained = [...text.matchAll(/^([a-z-]+):.*## \S/gm)].map(([, name]) => name);
    expect(explained).to.have.members(await targets());
    expect(explained).to.include.members(STACK_TARGETS);
  });

  it('offers what the scripts of npm offer, and nothing else', async () => {
    const offered = (await targets()).filter((target) => !OF_NPM.includes(target));
    expect(offered.map(scriptOf)).to.have.members(Object.keys(await scripts()));
  });

  it('does what the script of the same name does', async () => {
    const known = await scripts();
    for (const target of await targets()) {
      if (OF_NPM.includes(target) || STACK_TARGETS.includes(target)) continue;
      const name = scriptOf(target);
      const last = (await planned(target)).trim().split('\n').at(-1) ?? '';
      const [, called = ''] = /^npm (?:run )?(\S+)/.exec(last) ?? [];
      if (called !== name) expect(known[name], target).to.match(new RegExp(` ${last}$`));
    }
  });

  it('steers the stack as the script of the same name does', async () => {
    const known = await scripts();
    for (const target of STACK_TARGETS) {
      expect(`${asOneLine(await planned(target))};`).to.satisfy((recipe: string) => {
        return recipe.startsWith(`${known[target]};`);
      }, target);
    }
  });

  for (const target of STACK_TARGETS) {
    it(`steers the stack with ${target}`, async () => {
      const files = [...(await planned(target)).matchAll(/docker compose -f (\S+) /g)];
      expect(files).to.not.be.empty;
      for (const [, file = ''] of files) expect(existsSync(file), file).to.equal(true);
    });
  }

  it('waits until the stack is healthy', async () => {
    expect(await planned('up')).to.match(/ up .*--build --wait /);
  });

  it('keeps the data on down, and says that clean does not', async () => {
    expect(await planned('down')).not.to.contain('--volumes');
    expect(await planned('clean')).to.contain('down --volumes');
    const { stdout } = await promisify(execFile)('make', ['help']);
    expect(stdout).to.match(/make clean .*WITH ITS DATA/);
  });

  it('imports a file that the image has, as a role that has the event store', async () => {
    const [, name = '', args = ''] = /run --rm (\S+) (.*)\n/.exec(await planned('seed')) ?? [];
    const invocation = parseInvocation(args.split(' '));
    expect(invocation.command).to.equal('import-catalog');
    const { file } = invocation as { readonly file: string };
    expect(await readFile('.dockerignore', 'utf8')).to.contain(`!${file}\n`);
    const service = (await readComposeFile()).services[name];
    expect(service?.environment).to.have.property('EVENTSTORE_URL');
  });
});
