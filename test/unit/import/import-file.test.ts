import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { CatalogFormatError } from '../../../src/import/catalog-columns.js';
import { importCatalogFile } from '../../../src/import/import-file.js';
import type { Progress } from '../../../src/platform/progress.js';
import { silentLogger } from '../../../src/platform/observability/logger.js';
import { AT } from '../../support/examples.js';
import { rejectionOf } from '../../support/rejection-of.js';
import { temporaryDirectory } from '../../support/temporary-directory.js';

describe('importCatalogFile', () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;

  beforeEach(async () => {
    directory = await temporaryDirectory();
  });

  afterEach(() => directory.remove());

  const run = async (content: string | undefined) => {
    const path = join(directory.path, 'catalog.csv');
    if (content !== undefined) await writeFile(path, content);
    let shown = '';
    let last: Progress | undefined;
    const options = {
      path,
      print: (text: string) => void (shown += `${text}\n`),
      onProgress: (progress: Progress) => void (last = progress),
      list: () => Promise.resolve('listed' as const),
      now: () => Date.parse(AT),
      logger: silentLogger(),
    };
    const report = await importCatalogFile(options);
    return { report, shown, last };
  };

  it('shows progress and the result', async () => {
    const { report, shown, last } = await run('anime_id,name\n1,A\nx,B\n2,C\n');
    expect(report).to.include({ ended: 'completed', listed: 2 });
    expect(shown.split('\n').slice(-4)).to.deep.equal([
      'Imported after 0.0 s: 2 listed, 0 revised, 0 unchanged, 0 delisted and skipped, 1 row rejected.',
      'Rejected:',
      '  line 3: the id "x" is not a whole number from 1 to 2147483647',
      '',
    ]);
    expect(last).to.include({ task: 'import', detail: '2 titles, 1 row rejected' });
  });

  it('says on the first line what was recognised', async () => {
    const { shown } = await run('\u{feff}anime_id;Name;Rating\n1;A;PG-13\n');
    expect(shown.split('\n')[0]).to.match(
      /catalog\.csv: semicolon separated, 3 columns\. Used: anime_id -> id, Name -> title\. Ignored: Rating \(age rating\)\. Only ids and titles are imported/,
    );
  });

  it('rejects a file that is no catalogue', async () => {
    expect(await rejectionOf(run('a,b\n1,2\n'))).to.be.an.instanceOf(CatalogFormatError);
  });

  it('rejects with the system error where the file does not exist', async () => {
    expect(await rejectionOf(run(undefined))).to.have.property('code', 'ENOENT');
  });
});
