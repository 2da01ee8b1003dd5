import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect } from 'chai';

/** The lists of files in CONTRIBUTING.md: blocks in which every line is a path alone. */
const journeys = async (): Promise<readonly (readonly string[])[]> => {
  const text = await readFile('CONTRIBUTING.md', 'utf8');
  const blocks = [...text.matchAll(/```\n(.*?)\n```/gs)].map(([, block = '']) => block.split('\n'));
  return blocks.filter((lines) => lines.every((line) => /^src\/[\w/-]+\.ts$/.test(line)));
};

const importsOf = async (path: string): Promise<readonly string[]> => {
  const text = await readFile(path, 'utf8');
  return [...text.matchAll(/from '(\.[^']+)\.js'/g)].map(([, specifier = '']) =>
    join(dirname(path), `${specifier}.ts`),
  );
};

describe('the paths through the code in CONTRIBUTING.md', () => {
  it('are those of a command, an event in two parts, and a query', async () => {
    expect(await journeys()).to.have.length(4);
  });

  it('name files that each import the next', async () => {
    for (const files of await journeys()) {
      for (const [index, file] of files.entries()) {
        const next = files[index + 1];
        if (next !== undefined) expect(await importsOf(file), file).to.include(next);
      }
    }
  });
});
