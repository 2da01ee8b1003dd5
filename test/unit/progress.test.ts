import { expect } from 'chai';
import { createProgress } from '../../src/platform/progress.js';

const shownBy = (isTTY: boolean, columns = 60) => {
  let text = '';
  let time = 0;
  const output = { isTTY, columns, write: (chunk: string) => (text += chunk) };
  const { show, clear } = createProgress({ output, now: () => time });
  const at = (ms: number, done: number, total = 1000): void => {
    time = ms;
    show({ task: 'audit', done, total, unit: 'anime' });
  };
  return { at, clear, shown: () => text };
};

describe('progress', () => {
  it('is one line on a terminal, redrawn, with the time remaining', () => {
    const { at, clear, shown } = shownBy(true);
    at(0, 0);
    at(1_000, 250);
    clear();
    expect(shown().split('\r\u001b[K')).to.deep.equal([
      '',
      `[${'.'.repeat(28)}] audit: 0 %, 0 of 1,000 anime`,
      `[${'#'.repeat(4)}${'.'.repeat(11)}] audit: 25 %, 250 of 1,000 anime, 3 s left`,
      '',
    ]);
  });

  it('is drawn no more often than ten times a second', () => {
    const { at, shown } = shownBy(true);
    for (let ms = 0; ms < 1_000; ms += 10) at(ms, ms);
    expect(shown().split('\r')).to.have.lengthOf(11);
  });

  it('is narrower than the terminal', () => {
    const { at, shown } = shownBy(true, 20);
    at(0, 0);
    expect(shown()).to.equal('\r\u001b[Kaudit: 0 %, 0 of 1,');
  });

  it('is not printed elsewhere for work of less than five seconds', () => {
    const { at, clear, shown } = shownBy(false);
    for (let ms = 0; ms < 5_000; ms += 100) at(ms, ms, 5_000);
    clear();
    expect(shown()).to.equal('');
  });

  it('is a line every five seconds elsewhere', () => {
    const { at, shown } = shownBy(false);
    for (let ms = 0; ms <= 10_000; ms += 100) at(ms, ms, 20_000);
    expect(shown()).to.equal(
      'audit: 25 %, 5,000 of 20,000 anime, 15 s left\naudit: 50 %, 10,000 of 20,000 anime, 10 s left\n',
    );
  });

  it('restarts with another task', () => {
    let text = '';
    const output = { isTTY: true, write: (chunk: string) => (text += chunk) };
    const { show } = createProgress({ output, now: () => 0 });
    show({ task: 'one', done: 1, total: 2, unit: 'parts' });
    show({ task: 'two', done: 1, total: 2, unit: 'parts' });
    expect(text).to.contain('one: 50 %').and.to.contain('two: 50 %');
  });
});
