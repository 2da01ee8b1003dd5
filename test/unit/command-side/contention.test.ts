import { expect } from 'chai';
import { createContention } from '../../../src/command-side/handling/append.js';
import { animeId } from '../../support/examples.js';

const one = animeId(1);
const middle = () => 0.5;

describe('contention for a stream', () => {
  it('is expected from the first conflict on', () => {
    const contention = createContention(middle);
    expect(contention.expected(one)).to.equal(false);
    contention.lost(one);
    expect(contention.expected(one)).to.equal(true);
    expect(contention.expected(animeId(2))).to.equal(false);
  });

  it('is over once five looks in a row found nobody else', () => {
    const contention = createContention(middle);
    contention.lost(one);
    for (let i = 0; i < 4; i += 1) contention.looked(one, false);
    contention.looked(one, true);
    for (let i = 0; i < 4; i += 1) contention.looked(one, false);
    expect(contention.expected(one)).to.equal(true);
    contention.looked(one, false);
    expect(contention.expected(one)).to.equal(false);
  });

  it('lets the winner wait, longer after each conflict up to a limit, and nobody else', () => {
    const contention = createContention(middle);
    expect(contention.won(one)).to.equal(0);
    const waits = Array.from({ length: 8 }, () => {
      contention.lost(one);
      contention.lost(one);
      return contention.won(one);
    });
    expect(waits.slice(0, 3)).to.deep.equal([2, 6.4, 20]);
    expect(Math.max(...waits)).to.equal(20);
  });

  it('lets the winner wait shorter after each append without a conflict', () => {
    const contention = createContention(middle);
    for (let i = 0; i < 9; i += 1) contention.lost(one);
    const waits = Array.from({ length: 30 }, () => contention.won(one));
    expect(waits[0]).to.equal(20);
    expect(waits.at(-1)).to.equal(1);
  });
});
