import { expect } from 'chai';
import fc from 'fast-check';
import { nulFree, withNul } from '../../src/embedded-eventstore/sqlite.js';

const text = fc
  .array(fc.constantFrom('\0', '\u0001', '\u0002', 'a', 'é', '😀'))
  .map((all) => all.join(''));

const byBytes = (a: string, b: string) => Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b)));

describe('texts without NUL', () => {
  it('have no NUL and decode to the original', () =>
    fc.assert(
      fc.property(text, (given) => {
        expect(nulFree(given)).not.to.include('\0');
        expect(withNul(nulFree(given))).to.equal(given);
      }),
    ));

  it('keep the order of the originals', () =>
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(byBytes(nulFree(a), nulFree(b))).to.equal(byBytes(a, b));
      }),
    ));

  it('are the same texts where there is nothing to replace', () => {
    expect(nulFree('Cowboy Bebop')).to.equal('Cowboy Bebop');
  });
});
