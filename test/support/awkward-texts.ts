import fc from 'fast-check';

const PIECES = [
  ...['a', 'é', ',', ' ', '🙂', '\u0301', '"', '\\', '/', '$gt'],
  // Not to be seen, and white or not by one table or another.
  ...['\u00a0', '\u200b', '\u2028', '\u3000', '\ufeff'],
  // Control characters.
  ...['\0', '\t', '\n', '\r', '\u000b', '\u001f', '\u007f', '\u0085', '\u009f'],
  // Halves of a pair, which may meet and be a whole one.
  ...['\ud83d', '\ude42'],
];

/** Texts of ordinary, invisible, forbidden and ill-formed characters, often as long as just may be. */
export const awkwardTexts = (maxLength: number): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 4, arbitrary: fc.array(fc.constantFrom(...PIECES), { maxLength: 4 }).map(joined) },
    { weight: 2, arbitrary: fc.string({ unit: 'grapheme', maxLength: 20 }) },
    {
      weight: 2,
      arbitrary: fc
        .tuple(fc.constantFrom('a', '🙂', ' ', '\u0301'), fc.integer({ min: -1, max: 1 }))
        .map(([piece, more]) => piece.repeat(maxLength + more)),
    },
  );

const joined = (pieces: readonly string[]): string => pieces.join('');
