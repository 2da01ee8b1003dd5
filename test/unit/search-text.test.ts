import { expect } from 'chai';
import { searchText } from '../../src/wire/search-text.js';

describe('the searched form of a text', () => {
  for (const [what, one, other] of [
    ['case', 'Cowboy BEBOP', 'cowboy bebop'],
    ['case outside ASCII', 'ÉCOLE ЖИЗНЬ', 'école жизнь'],
    ['a final sigma', 'ΟΔΟΣ', 'οδοσ'],
    ['composition', 'e\u0301tude', 'étude'],
    ['width', 'Ｆａｔｅ', 'fate'],
    ['voicing marks', 'カ\u3099ンダム', 'ガンダム'],
  ] as const) {
    it(`is the same whatever the ${what}`, () => {
      expect(searchText(one)).to.equal(searchText(other));
    });
  }

  it('keeps accents, punctuation and spaces', () => {
    expect(searchText('Étude: 100% "a_b"')).to.equal('étude: 100% "a_b"');
  });
});
