import { expect } from 'chai';
import { letterKey, toLetter, toLetterRecord } from '../../../src/adapters/kafka/dead-letters.js';
import type { DeadLetter } from '../../../src/ports/dead-letters.js';
import { AT } from '../../support/examples.js';

const letter: DeadLetter = {
  stream: 'anime-5',
  revision: 0,
  source: 'anime-events/0/17',
  reason: 'The value is no JSON.',
  value: Uint8Array.of(0, 255),
  at: AT,
};

describe('dead letters as records', () => {
  it('are read back as written', () => {
    for (const each of [
      letter,
      { ...letter, value: null },
      { ...letter, stream: null, revision: null },
      { ...letter, revision: null },
    ]) {
      expect(toLetter(toLetterRecord(each), 0)).to.deep.equal(each);
    }
  });

  it('have the stream as their key, or else the source', () => {
    expect(toLetterRecord(letter).key).to.equal('anime-5');
    expect(toLetterRecord({ ...letter, stream: null }).key).to.equal('anime-events/0/17');
  });

  it('are cut to 64 KiB', () => {
    const { value } = toLetterRecord({ ...letter, value: new Uint8Array(70_000).fill(1) });
    expect(value).to.have.length(65_536);
  });

  it('are listed even when somebody else wrote them', () => {
    const headers = { stream: 'anime-5', revision: '1e3' };
    const found = toLetter({ key: 'k', value: null, headers }, Date.parse(AT));
    expect(found).to.deep.equal({
      stream: 'anime-5',
      revision: null,
      source: 'k',
      reason: 'No reason was given.',
      value: null,
      at: AT,
    });
  });

  it('are equal if stream and revision are, or else the source', () => {
    expect(letterKey(letter)).to.equal(letterKey({ ...letter, source: 'elsewhere' }));
    expect(letterKey(letter)).not.to.equal(letterKey({ ...letter, revision: 1 }));
    const nameless = { ...letter, stream: null, revision: null };
    expect(letterKey(nameless)).not.to.equal(letterKey({ ...nameless, source: 'elsewhere' }));
  });
});
