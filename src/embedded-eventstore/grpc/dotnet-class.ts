import { escapeAt, literal, type Atom } from './dotnet-escapes.js';

type RefuseAt = (part: string, offset: number) => never;

/** The class in brackets that `text` begins with. White space and `#` are themselves in there. */
export const classAt = (text: string, refuse: RefuseAt): Atom => {
  const negated = text.startsWith('[^');
  const first = negated ? 2 : 1;
  let re2 = negated ? '[^' : '[';
  let at = first;
  while (at === first || text[at] !== ']') {
    if (at >= text.length) return refuse('`[` (class without an end)', 0);
    const low = memberAt(text, at, refuse);
    at += low.length;
    re2 += low.re2;
    if (text[at] !== '-' || text[at + 1] === ']' || at + 1 >= text.length) continue;
    if (text[at + 1] === '[') return refuse('`-[` (subtraction of a class)', at);
    const high = memberAt(text, at + 1, refuse);
    if (low.kind !== 'character' || high.kind !== 'character') {
      return refuse('`-` (range of more than characters)', at);
    }
    re2 += `-${high.re2}`;
    at += 1 + high.length;
  }
  return { kind: 'set', re2: `${re2}]`, length: at + 1 };
};

const memberAt = (text: string, at: number, refuse: RefuseAt): Atom => {
  const rest = text.slice(at);
  if (rest.startsWith('\\')) return escapeAt(rest, true, (part) => refuse(part, at));
  const [character = ''] = Array.from(rest.slice(0, 2));
  return { kind: 'character', re2: literal(character), length: character.length };
};
