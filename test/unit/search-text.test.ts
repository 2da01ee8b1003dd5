import { expect } from 'chai';
import fc from 'fast-check';
import { genreSpellings, searchText } from '../../src/wire/search-text.js';

describe('the searched form of a text', () => {
  for (const [what, one, other] of [
    ['case', 'Cowboy BEBOP', 'cowboy bebop'],
    ['case outside ASCII', 'ЖИЗНЬ', 'жизнь'],
    ['accents', 'Pokémon, ÉCOLE, Jūjutsu', 'pokemon, ecole, jujutsu'],
    ['accents of Greek and Cyrillic', 'Ώρα Ёлка', 'ωρα елка'],
    ['composition', 'e\u0301tude', 'étude'],
    ['several accents on a letter', 'Việt', 'viet'],
    ['final sigma', 'ΟΔΟΣ', 'οδοσ'],
    ['sharp s', 'STRASSE ẞ', 'straße ss'],
    ['dot of an i', 'İstanbul ISPARTA', 'istanbul ısparta'],
    ['stroke through a letter', 'Søren Łódź Đà', 'soren lodz da'],
    ['ligatures', 'Ægis Œuvre ﬁn', 'aegis oeuvre fin'],
    ['width', 'Ｆａｔｅ', 'fate'],
    ['width of katakana', 'ｶﾞﾝﾀﾞﾑ', 'ガンダム'],
    ['composition of voicing marks', 'カ\u3099ンダム', 'ガンダム'],
    ['composition of hangul', '한글'.normalize('NFD'), '한글'],
  ] as const) {
    it(`is the same whatever the ${what}`, () => {
      expect(searchText(one)).to.equal(searchText(other));
    });
  }

  it('keeps punctuation and spaces', () => {
    expect(searchText('Étude: 100% "a_b"')).to.equal('etude: 100% "a_b"');
  });

  it('keeps marks that make a different letter', () => {
    for (const [one, other] of [
      ['ガ', 'カ'],
      ['パ', 'ハ'],
      ['कि', 'क'],
      ['กี', 'ก'],
    ] as const) {
      expect(searchText(one), one).not.to.equal(searchText(other));
    }
  });

  const texts = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.string({ unit: 'binary' }),
    fc.string({ unit: fc.constantFrom(...Array.from('eE\u0301\u0307İıßẞςΣσǅæǼøカ\u3099ﾞ한ᄒ')) }),
  );

  it('is its own searched form, and that of each of its Unicode forms', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const searched = searchText(text);
        expect(searchText(searched)).to.equal(searched);
        for (const form of ['NFC', 'NFD', 'NFKC', 'NFKD'] as const) {
          expect(searchText(text.normalize(form))).to.equal(searched);
        }
      }),
    );
  });
});

describe('the genres of a title', () => {
  it('are distinct by their searched form, each in the first spelling', () => {
    expect([...genreSpellings(['école', 'action', 'Sci-Fi', 'Action', 'Ecole'])]).to.deep.equal([
      ['ecole', 'Ecole'],
      ['action', 'Action'],
      ['sci-fi', 'Sci-Fi'],
    ]);
    expect([...genreSpellings(['Ecole', 'école'])]).to.deep.equal([['ecole', 'Ecole']]);
  });
});
