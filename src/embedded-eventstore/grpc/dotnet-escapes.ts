/** An escape or a character of a .NET regular expression, translated for RE2. */
export interface Atom {
  readonly re2: string;
  /** How many characters of the pattern it uses. */
  readonly length: number;
  /** A single character, which may end a range; a set of characters; or a zero-width anchor. */
  readonly kind: 'character' | 'set' | 'anchor';
}

type RefuseAtom = (part: string) => never;

const WORD = '\\p{L}\\p{Mn}\\p{Nd}\\p{Pc}';
const NO_WORD =
  '\\p{Mc}\\p{Me}\\p{Nl}\\p{No}\\p{Pd}\\p{Ps}\\p{Pe}\\p{Pi}\\p{Pf}\\p{Po}\\p{S}\\p{Z}\\p{C}';
const SPACE = '\\x{9}-\\x{d}\\x{85}\\p{Z}';
const NO_SPACE =
  '\\x{0}-\\x{8}\\x{e}-\\x{1f}\\x{21}-\\x{84}\\x{86}-\\x{9f}\\x{a1}-\\x{167f}\\x{1681}-\\x{1fff}' +
  '\\x{200b}-\\x{2027}\\x{202a}-\\x{202e}\\x{2030}-\\x{205e}\\x{2060}-\\x{2fff}\\x{3001}-\\x{10ffff}';

/** These sets are Unicode in .NET and ASCII in RE2. Written as members of a bracketed class. */
const SETS: Readonly<Record<string, string>> = {
  d: '\\p{Nd}',
  D: '\\P{Nd}',
  w: WORD,
  W: NO_WORD,
  s: SPACE,
  S: NO_SPACE,
};

const CONTROLS: Readonly<Record<string, number>> = {
  a: 7,
  e: 27,
  f: 12,
  n: 10,
  r: 13,
  t: 9,
  v: 11,
};

/** `\Z` also matches before a final line feed. Consuming it is safe: nothing can follow it. */
export const END_OR_LAST_LINE_FEED = '(?:\\n?\\z)';

const ANCHORS: Readonly<Record<string, string>> = {
  A: '\\A',
  z: '\\z',
  Z: END_OR_LAST_LINE_FEED,
  b: '\\b',
  B: '\\B',
};

const NUMERIC_ESCAPES = [
  /^\\x([\da-f]{2})/iu,
  /^\\u(d[89ab][\da-f]{2})\\u(d[c-f][\da-f]{2})/iu,
  /^\\u((?!d[89a-f])[\da-f]{4})/iu,
];

export const re2Literal = (character: string): string =>
  /[\da-z]/iu.test(character) ? character : codePoint(character.codePointAt(0) ?? 0);

const codePoint = (code: number): string => `\\x{${code.toString(16)}}`;

/** The escape at the start of `text`. */
export const escapeAt = (text: string, inClass: boolean, refuse: RefuseAtom): Atom => {
  const [, letter = ''] = Array.from(text.slice(0, 3));
  const simple = simpleEscape(letter, inClass);
  if (simple !== undefined) return { ...simple, length: 2 };
  if (letter === 'p' || letter === 'P') return category(text, refuse);
  const code = numericEscape(text);
  if (code !== undefined) return { kind: 'character', ...code };
  if (letter === '') return refuse('`\\` (a backslash at the end)');
  if (/[1-9k]/.test(letter)) return refuse(`\`\\${letter}\` (back reference)`);
  if (/\w/.test(letter)) return refuse(`\`\\${letter}\` (escape)`);
  return { kind: 'character', re2: re2Literal(letter), length: 1 + letter.length };
};

const simpleEscape = (letter: string, inClass: boolean): Omit<Atom, 'length'> | undefined => {
  const set = SETS[letter];
  if (set !== undefined) return { kind: 'set', re2: inClass ? set : `[${set}]` };
  if (inClass && letter === 'b') return { kind: 'character', re2: codePoint(8) };
  const anchor = inClass ? undefined : ANCHORS[letter];
  if (anchor !== undefined) return { kind: 'anchor', re2: anchor };
  const control = CONTROLS[letter];
  return control === undefined ? undefined : { kind: 'character', re2: codePoint(control) };
};

/** .NET has Unicode's categories by their short names, and blocks, which RE2 lacks. */
const category = (text: string, refuse: RefuseAtom): Atom => {
  const [whole] = /^\\p\{[CLMNPSZ][a-z]?\}/iu.exec(text) ?? [];
  if (whole !== undefined) return { kind: 'set', re2: whole, length: whole.length };
  const [shown] = /^\\.(?:\{[^}]*\}?)?/u.exec(text) ?? [text];
  return refuse(`\`${shown}\` (Unicode block or unknown category)`);
};

const numericEscape = (text: string): Pick<Atom, 're2' | 'length'> | undefined => {
  for (const form of NUMERIC_ESCAPES) {
    const [whole, ...units] = form.exec(text) ?? [];
    if (whole === undefined) continue;
    const character = String.fromCharCode(...units.map((unit) => parseInt(unit, 16)));
    return { re2: codePoint(character.codePointAt(0) ?? 0), length: whole.length };
  }
  const [control, letter] = /^\\c([@-_a-z])/u.exec(text) ?? [];
  if (letter !== undefined && control !== undefined) {
    const code = letter.toUpperCase().charCodeAt(0) - 64;
    return { re2: codePoint(code), length: control.length };
  }
  const [octal] = /^\\0[0-7]{0,2}/u.exec(text) ?? [];
  if (octal === undefined) return undefined;
  return { re2: codePoint(parseInt(octal.slice(1), 8)), length: octal.length };
};
