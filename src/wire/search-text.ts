/**
 * The form in which texts are compared without regard to case and accents: every spelling of the
 * same letters, whatever its case, accents, width or composition, comes out the same. Read stores
 * keep it beside the text and bring what is searched for into it too.
 */
export const searchText = (text: string): string =>
  ASCII.test(text) ? text.toLowerCase() : folded(text);

const ASCII = /^\p{ASCII}*$/u;

const folded = (text: string): string =>
  text
    .normalize('NFKD')
    .replace(ACCENTS, '')
    .toLowerCase()
    .replace(LETTERS, (letter) => FOLDED[letter] ?? letter)
    .normalize('NFKC');

/** The blocks of combining marks for letters: the marks of kana and of Indic scripts are no accents. */
const ACCENTS = /[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\ufe20-\ufe2f]+/g;

/** Letters that stand for others here, though no Unicode form takes them apart. */
const FOLDED: Readonly<Record<string, string>> = {
  ß: 'ss',
  ς: 'σ',
  ı: 'i',
  ø: 'o',
  ł: 'l',
  đ: 'd',
  æ: 'ae',
  œ: 'oe',
};

const LETTERS = new RegExp(`[${Object.keys(FOLDED).join('')}]`, 'g');

/**
 * The genres of one title by their searched form. Of several spellings of a genre the first by code
 * points stands for all of them, so that the answer does not depend on the order of titles.
 */
export const genreSpellings = (genres: readonly string[]): ReadonlyMap<string, string> => {
  const spellings = new Map<string, string>();
  for (const genre of genres) {
    const key = searchText(genre);
    const known = spellings.get(key);
    if (known === undefined || sortsBefore(genre, known)) spellings.set(key, genre);
  }
  return spellings;
};

/** By code points, which is the order of the bytes in UTF-8 and that of the databases. */
const sortsBefore = (a: string, b: string): boolean =>
  Buffer.compare(Buffer.from(a), Buffer.from(b)) < 0;
