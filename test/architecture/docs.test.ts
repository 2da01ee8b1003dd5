import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'chai';

const PAGES = [
  ...['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md'],
  'deploy/kubernetes/README.md',
  ...readdirSync('docs', { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
];

interface Link {
  readonly text: string;
  readonly file: string;
  readonly heading: string | undefined;
}

/** The links of a page to other files of the repository, or to headings. */
const linksOf = (page: string): readonly Link[] =>
  [...readFileSync(page, 'utf8').matchAll(/\[([^\]]+)\]\(([^)\s]+)\)/g)].flatMap(
    ([, text = '', target = '']) => {
      if (/^[a-z]+:/.test(target)) return [];
      const [path = '', heading] = target.split('#');
      return [{ text, file: path === '' ? page : join(dirname(page), path), heading }];
    },
  );

/** As GitHub makes the anchor of a heading. */
const anchorsOf = (page: string): readonly string[] =>
  [...readFileSync(page, 'utf8').matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );

const DECISIONS = readdirSync('docs/decisions')
  .filter((name) => /^\d{4}-.*\.md$/.test(name))
  .sort();

describe('the documentation', () => {
  for (const page of PAGES) {
    it(`has no dead link in ${page}`, () => {
      for (const { file, heading } of linksOf(page)) {
        expect(existsSync(file), `${page} links to ${file}`).to.equal(true);
        if (heading !== undefined) expect(anchorsOf(file)).to.include(heading);
      }
    });

    it(`names no file that does not exist in ${page}`, () => {
      const text = readFileSync(page, 'utf8');
      const named = [...text.matchAll(/`((?:src|test|bench|scripts)\/[\w./-]+)`/g)];
      for (const [, file = ''] of named) expect(existsSync(file), file).to.equal(true);
    });
  }

  it('links each guarantee of the README to tests that have the title it names', () => {
    const [, text = ''] = /^## Guarantees\n(.*?)^How fast/ms.exec(
      readFileSync('README.md', 'utf8'),
    ) ?? [''];
    const guarantees = text.split(/^\d+\. /m).slice(1);
    expect(guarantees).to.have.length(11);
    for (const guarantee of guarantees) {
      const titles = [...guarantee.matchAll(/\[(.*?)\]\((test\/.*?)\)/g)];
      expect(titles, guarantee).to.not.be.empty;
      for (const [, title = '', file = ''] of titles) {
        expect(readFileSync(file, 'utf8'), file).to.include(title);
      }
    }
  });

  it('links each fault to tests that have the title it names, … for what a test fills in', () => {
    const rows = readFileSync('docs/faults.md', 'utf8').match(/^\| \d+ .*$/gm) ?? [];
    expect(rows).to.have.length(34);
    for (const row of rows) {
      const titles = [...row.matchAll(/\[([^\]]*)\]\(\.\.\/(test\/[^)]*)\)/g)];
      expect(titles, row).to.not.be.empty;
      for (const [, title = '', file = ''] of titles) {
        const text = readFileSync(file, 'utf8').replace(/\$\{(?:[^{}]|\{[^{}]*\})*\}/g, '…');
        expect(text, file).to.include(title);
      }
    }
  });
});

describe('a decision', () => {
  for (const name of DECISIONS) {
    const number = Number(name.slice(0, 4));
    it(`has its number, status and date, and is in the index: ${name}`, () => {
      const text = readFileSync(join('docs/decisions', name), 'utf8');
      const [, title = ''] = new RegExp(`^# ${number}\\. (.*)\n`).exec(text) ?? [];
      expect(title, 'title').not.to.equal('');
      const [, by] = /^- Status: (?:accepted|superseded by (\d{4}))$/m.exec(text) ?? [];
      expect(text).to.match(/^- Status: (accepted|superseded by \d{4})$/m);
      if (by !== undefined) expect(DECISIONS.join('\n')).to.include(`${by}-`);
      expect(text).to.match(/^- Date: \d{4}-\d\d-\d\d$/m);
      expect(readFileSync('docs/decisions/README.md', 'utf8')).to.include(
        `. [${title}](${name})\n`,
      );
    });
  }
});

describe('the CI workflow', () => {
  it('runs make targets and npm scripts that exist', () => {
    const workflow = readFileSync('.github/workflows/ci.yml', 'utf8');
    const makefile = readFileSync('Makefile', 'utf8');
    const manifest = readFileSync('package.json', 'utf8');
    const targets = [...workflow.matchAll(/run: make (\S+)/g)];
    expect(targets).to.not.be.empty;
    for (const [, target = ''] of targets) expect(makefile).to.include(`\n${target}: `);
    for (const [, script = ''] of workflow.matchAll(/npm run (\S+)/g)) {
      expect(manifest).to.include(`"${script}": `);
    }
  });
});
