import { readFileSync } from 'node:fs';

const PAGE = new URL('../../../docs/troubleshooting.md', import.meta.url);

/** What docs/troubleshooting.md says each mistake prints, by the mistake. */
export const documentedMistakes = (): ReadonlyMap<string, string> =>
  new Map(
    readFileSync(PAGE, 'utf8')
      .split('\n')
      .map((line) => /^\| (.*?) +\| `(.*)` +\|$/.exec(line))
      .flatMap((row) =>
        row === null ? [] : [[row[1] ?? '', row[2]?.replaceAll('\\|', '|') ?? '']],
      ),
  );
