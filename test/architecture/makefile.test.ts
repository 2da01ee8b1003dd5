import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { parseInvocation } from '../../src/cli.js';
import { readComposeFile } from '../support/compose-file.js';

const STACK_TARGETS = ['up', 'down', 'logs', 'ps', 'seed', 'clean'];

/** The commands that make would run. */
const planned = async (target: string): Promise<string> =>
  (await promisify(execFile)('make', ['--dry-run', '--no-print-directory', target])).stdout;

describe('the menu', () => {
  it('explains every target, and takes none for a file', async () => {
    const text = await readFile('Makefile', 'utf8');
    const [, phony = ''] = /^\.PHONY: (.*)$/m.exec(text) ?? [];
    const explained = [...text.matchAll(/^([a-z-]+):.*## \S/gm)].map(([, name]) => name);
    expect(explained).to.have.members(phony.split(' '));
    expect(explained).to.include.members(STACK_TARGETS);
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
