/**
 * SQLite's bindings cut a text at its first NUL. Texts used as keys are stored with U+0000 and
 * U+0001 replaced by pairs, which keeps them distinct and in order.
 */
export const nulFree = (text: string): string =>
  SPECIAL.test(text)
    ? text.replaceAll('\u0001', '\u0001\u0002').replaceAll('\0', '\u0001\u0001')
    : text;

export const withNul = (stored: string): string =>
  stored.includes('\u0001')
    ? stored.replace(PAIR, (pair) => (pair[1] === '\u0002' ? '\u0001' : '\0'))
    : stored;

const SPECIAL = new RegExp('[\\u0000\\u0001]');
const PAIR = new RegExp('\\u0001[\\u0001\\u0002]', 'g');
