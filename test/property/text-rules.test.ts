import { expect } from 'chai';
import fc from 'fast-check';
import { DETAILS } from '../../src/domain/details.js';
import { isUserId, USER_ID } from '../../src/domain/ids.js';
import { patternOf, textCheck, textReason } from '../../src/domain/rules.js';
import { awkwardTexts } from '../support/awkward-texts.js';

describe('a rule for texts', () => {
  const { title, description, image, type, genres } = DETAILS;
  const rules = { USER_ID, title, description, image, type, genre: genres.item };
  for (const [name, rule] of Object.entries(rules)) {
    it(`refuses with a reason exactly what its pattern and length refuse: ${name}`, () => {
      const check = textCheck(rule);
      const reason = textReason(rule);
      const pattern = new RegExp(patternOf(rule), 'u');
      fc.assert(
        fc.property(awkwardTexts(rule.maxLength), (text) => {
          const fits = Array.from(text).length <= rule.maxLength && pattern.test(text);
          expect(check(text), JSON.stringify(text)).to.equal(fits);
          expect(reason(text) === undefined, JSON.stringify(text)).to.equal(fits);
        }),
      );
    });
  }

  it('counts an emoji as one character', () => {
    expect(isUserId('🙂'.repeat(128))).to.be.true;
    expect(isUserId('🙂'.repeat(129))).to.be.false;
  });

  it('keeps control characters and halves of characters out of a user id', () => {
    for (const text of ['a\nb', 'a\u0085b', 'a\ud83d', '\ude00b']) {
      expect(isUserId(text), JSON.stringify(text)).to.be.false;
    }
  });

  it('treats all white space as blank', () => {
    for (const blank of ['', ' ', '\u00a0', '\u2028', '\u3000\ufeff']) {
      expect(isUserId(blank), JSON.stringify(blank)).to.be.false;
    }
    expect(isUserId('\u2028a')).to.be.true;
  });
});
