import { expect } from 'chai';
import { isComplete, type ImportReport } from '../../../src/import/import-report.js';
import { summarise } from '../../../src/import/import-file.js';
import { UnavailableError } from '../../../src/ports/errors.js';
import { animeId } from '../../support/examples.js';

const none = { total: 0, first: [] };

const REPORT: ImportReport = {
  ended: 'completed',
  listed: 12294,
  revised: 2,
  unchanged: 1,
  delisted: none,
  rejected: none,
  failed: none,
  durationMs: 4321,
};

describe('summarise', () => {
  it('describes a complete import in one line', () => {
    expect(summarise(REPORT)).to.equal(
      'Imported after 4.3 s: 12,294 listed, 2 revised, 1 unchanged, 0 delisted and skipped, 0 rows rejected.\n',
    );
  });

  it('lists what was left out, up to a limit, and the number of the rest', () => {
    const first = Array.from({ length: 30 }, (_, index) => ({ line: index + 2, reason: 'no' }));
    const delisted = { total: 1, first: [{ line: 9, animeId: animeId(5), title: 'Tobira' }] };
    const report = { ...REPORT, delisted, rejected: { total: 1234, first } };
    expect(summarise(report, { maxListed: 2 }).split('\n').slice(1)).to.deep.equal([
      'Delisted and skipped (--relist lists them again):',
      '  line 9: 5 Tobira',
      'Rejected:',
      '  line 2: no',
      '  line 3: no',
      '  ... and 1,232 more',
      '',
    ]);
  });

  it('says how to continue after a stop or a failure', () => {
    const goOn = 'Run the import again to continue: titles already imported are not changed.';
    expect(summarise({ ...REPORT, ended: 'aborted' }))
      .to.match(/^Stopped after/)
      .and.contain(goOn);
    expect(summarise({ ...REPORT, ended: 'failed', error: new UnavailableError('Away.') }))
      .to.match(/^Failed \(Away\.\) after/)
      .and.contain(goOn);
  });
});

describe('isComplete', () => {
  const one = { total: 1, first: [{ line: 2, reason: 'no' }] };
  for (const [what, report, complete] of [
    ['all rows in', REPORT, true],
    ['delisted titles skipped', { ...REPORT, delisted: { total: 1, first: [] } }, true],
    ['rejected rows', { ...REPORT, rejected: one }, false],
    ['failed titles', { ...REPORT, failed: one }, false],
    ['a stop', { ...REPORT, ended: 'aborted' as const }, false],
  ] as const) {
    it(`is ${complete} for ${what}`, () => expect(isComplete(report)).to.equal(complete));
  }
});
