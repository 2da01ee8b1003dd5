import { expect } from 'chai';
import { isComplete, type ImportReport } from '../../../src/import/import-report.js';
import { summarise } from '../../../src/import/import-summary.js';
import { createProgress } from '../../../src/import/progress.js';
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

const shownBy = (isTTY: boolean, totalBytes = 1000) => {
  let text = '';
  let time = 0;
  const output = { isTTY, columns: 60, write: (chunk: string) => (text += chunk) };
  const progress = createProgress({ output, totalBytes, now: () => time });
  return { progress, shown: () => text, wait: (ms: number) => (time += ms) };
};

const at = (bytesRead: number, rejected = 0) => ({ titles: bytesRead, rejected, bytesRead });

describe('createProgress', () => {
  it('draws one bar on a terminal, over itself', () => {
    const { progress, shown, wait } = shownBy(true);
    progress.show(at(250));
    wait(1000);
    progress.show(at(500, 2));
    progress.end(true);
    expect(shown().split('\r\u001b[K')).to.deep.equal([
      '',
      `[${bar(0.25, 39)}]  25 %  250 titles`,
      `[${bar(0.5, 22)}]  50 %  500 titles, 2 rows rejected`,
      `[${bar(1, 22)}] 100 %  500 titles, 2 rows rejected\n`,
    ]);
  });

  it('draws no more often than ten times a second', () => {
    const { progress, shown, wait } = shownBy(true);
    for (let bytes = 0; bytes < 100; bytes += 1) {
      progress.show(at(bytes));
      wait(10);
    }
    expect(shown().split('\r')).to.have.lengthOf(11);
  });

  it('writes plain lines elsewhere, one for every tenth', () => {
    const { progress, shown } = shownBy(false);
    for (let bytes = 1; bytes <= 1000; bytes += 1) progress.show(at(bytes));
    progress.end(true);
    expect(shown().split('\n')).to.deep.equal([
      ...[10, 20, 30, 40, 50, 60, 70, 80, 90].map((percent) => ` ${percent} %  ${percent}0 titles`),
      '100 %  1,000 titles',
      '',
    ]);
  });

  it('says where it stopped', () => {
    const { progress, shown } = shownBy(false);
    progress.show(at(123));
    progress.end(false);
    expect(shown()).to.equal(' 12 %  123 titles\n 12 %  123 titles\n');
  });

  it('shows something of a file whose size is unknown', () => {
    const { progress, shown } = shownBy(false, 0);
    progress.show(at(123));
    progress.end(true);
    expect(shown()).to.equal('100 %  123 titles\n');
  });
});

const bar = (share: number, width: number): string =>
  '#'.repeat(Math.round(width * share)) + '.'.repeat(width - Math.round(width * share));

describe('summarise', () => {
  it('says what came of a complete import in one line', () => {
    expect(summarise(REPORT)).to.equal(
      'Imported after 4.3 s: 12,294 listed, 2 revised, 1 unchanged, 0 delisted and left alone, 0 rows rejected.\n',
    );
  });

  it('lists what was left out, up to a bound, and says how much more there is', () => {
    const first = Array.from({ length: 30 }, (_, index) => ({ line: index + 2, reason: 'no' }));
    const delisted = { total: 1, first: [{ line: 9, animeId: animeId(5), title: 'Tobira' }] };
    const report = { ...REPORT, delisted, rejected: { total: 1234, first } };
    expect(summarise(report, { maxListed: 2 }).split('\n').slice(1)).to.deep.equal([
      'Delisted, left alone (--relist lists them again):',
      '  line 9: 5 Tobira',
      'Rejected:',
      '  line 2: no',
      '  line 3: no',
      '  ... and 1,232 more',
      '',
    ]);
  });

  it('says how to go on after a stop or a failure', () => {
    const goOn = 'Run it again to go on: titles that are in already are left as they are.';
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
    ['delisted titles left alone', { ...REPORT, delisted: { total: 1, first: [] } }, true],
    ['rejected rows', { ...REPORT, rejected: one }, false],
    ['failed titles', { ...REPORT, failed: one }, false],
    ['a stop', { ...REPORT, ended: 'aborted' as const }, false],
  ] as const) {
    it(`is ${complete} for ${what}`, () => expect(isComplete(report)).to.equal(complete));
  }
});
