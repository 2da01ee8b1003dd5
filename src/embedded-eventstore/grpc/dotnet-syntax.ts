import { type Atom, END_OR_LAST_LINE_FEED, escapeAt, re2Literal } from './dotnet-escapes.js';
import { invalidArgument } from './rpc-error.js';

/** An alternative matches if all of `wanted` match and none of `unwanted`. */
export interface Alternative {
  readonly wanted: readonly string[];
  readonly unwanted: readonly string[];
}

interface Flags {
  readonly i: boolean;
  readonly m: boolean;
  readonly s: boolean;
  readonly x: boolean;
}

/** A lookahead, written as what precedes it plus its own content. */
interface Lookahead {
  readonly negative: boolean;
  readonly before: string;
}

interface OpenGroup {
  readonly start: number;
  readonly flagsOutside: Flags;
  readonly lookahead?: Lookahead & { readonly resume: string };
}

const QUANTIFIER = /^(?:[*+?]|\{\d+(?:,\d*)?\})\??/;
const OPTIONS = /^\(\?([imnsx]*)(?:-([imnsx]*))?([:)])/;
const NAMED = /^\(\?(?:<\w+>|'\w+')/;

const UNREAD: readonly (readonly [RegExp, string])[] = [
  [/^\(\?>/, 'atomic group'],
  [/^\(\?[=!]/, 'lookahead other than after characters at a fixed distance from the start'],
  [/^\(\?[<'][^>']*-/, 'balancing group'],
  [/^\(\?\(/, 'condition'],
  [/^\(\?.?/, 'kind of group'],
];

/**
 * Translates a .NET regular expression into alternatives for RE2, which has no lookahead: a
 * lookahead at a fixed distance from the start becomes an expression of its own. Nothing is
 * captured, so groups lose their names.
 */
export const readDotNet = (pattern: string): readonly Alternative[] =>
  new PatternReader(pattern).read();

class PatternReader {
  private at = 0;
  private flags: Flags = { i: false, m: false, s: false, x: false };
  private out = '';
  private readonly groups: OpenGroup[] = [];
  private readonly alternatives: Alternative[] = [];
  private wanted: string[] = [];
  private unwanted: string[] = [];
  /** Whether the part read so far is anchored at the start and has a fixed length. */
  private fixed = false;
  private quantifiable = false;

  constructor(private readonly pattern: string) {}

  read(): readonly Alternative[] {
    while (this.at < this.pattern.length) this.step();
    const open = this.groups.at(-1);
    if (open !== undefined) return this.refuse('`(` (unclosed group)', open.start);
    this.endAlternative();
    return this.alternatives;
  }

  private step(): void {
    const rest = this.rest;
    const [quantifier] = QUANTIFIER.exec(rest) ?? [];
    if (quantifier !== undefined) {
      this.quantify(quantifier);
      return;
    }
    const ignored = this.ignoredLength();
    if (ignored > 0) this.at += ignored;
    else if (rest.startsWith('(')) this.open();
    else if (rest.startsWith(')')) this.close();
    else if (rest.startsWith('|')) this.alternate();
    else this.atom();
  }

  private get rest(): string {
    return this.pattern.slice(this.at);
  }

  /** The length of a comment or of white space that the pattern's flags ignore. */
  private ignoredLength(): number {
    const [comment] = /^\(\?#[^)]*\)/.exec(this.rest) ?? [];
    if (comment !== undefined) return comment.length;
    if (this.rest.startsWith('(?#')) return this.refuse('`(?#` (unclosed comment)');
    const [blank = ''] = this.flags.x ? (/^(?:\s+|#[^\n]*\n?)/.exec(this.rest) ?? []) : [];
    return blank.length;
  }

  private quantify(quantifier: string): void {
    if (!this.quantifiable) this.refuse(`\`${quantifier}\` (nothing to repeat)`);
    this.emit(quantifier, quantifier.length, false);
    if (this.groups.length === 0) this.fixed = false;
  }

  private emit(re2: string, length: number, quantifiable: boolean): void {
    this.out += re2;
    this.at += length;
    this.quantifiable = quantifiable;
  }

  private open(): void {
    const [options, on, off = '', end] = OPTIONS.exec(this.rest) ?? [];
    if (options !== undefined && on !== undefined) {
      const flagsOutside = this.flags;
      this.flags = withOptions(this.flags, on, off);
      if (end === ')') {
        this.emit(flagGroup(this.flags, ')'), options.length, false);
        return;
      }
      this.enter({ start: this.at, flagsOutside }, flagGroup(this.flags, ':'), options);
      return;
    }
    const group: OpenGroup = { start: this.at, flagsOutside: this.flags };
    const [look] = /^\(\?[=!]/.exec(this.rest) ?? [];
    if (look !== undefined && this.fixed && this.groups.length === 0) {
      this.look(group, look);
      return;
    }
    const [lookbehind] = /^\(\?<[=!]/.exec(this.rest) ?? [];
    if (lookbehind !== undefined) {
      this.enter(group, lookbehind, lookbehind);
      return;
    }
    const [named] = NAMED.exec(this.rest) ?? [];
    if (named !== undefined) {
      this.enter(group, '(?:', named);
      return;
    }
    for (const [form, what] of UNREAD) {
      const [part] = form.exec(this.rest) ?? [];
      if (part !== undefined) this.refuse(`\`${part}\` (${what})`);
    }
    this.enter(group, '(?:', '(');
  }

  private enter(group: OpenGroup, re2: string, part: string): void {
    if (this.groups.length === 0) this.fixed = false;
    this.groups.push(group);
    this.emit(re2, part.length, false);
  }

  private look(group: OpenGroup, part: string): void {
    const lookahead = { negative: part === '(?!', before: this.out, resume: this.out };
    this.groups.push({ ...group, lookahead });
    this.emit('(?:', part.length, false);
  }

  private close(): void {
    const group = this.groups.pop();
    if (group === undefined) return this.refuse('`)` (no group to close)');
    this.flags = group.flagsOutside;
    this.emit(')', 1, true);
    if (group.lookahead === undefined) return;
    (group.lookahead.negative ? this.unwanted : this.wanted).push(this.out);
    this.out = group.lookahead.resume;
    this.quantifiable = false;
  }

  private alternate(): void {
    if (this.groups.length > 0) {
      this.emit('|', 1, false);
      return;
    }
    this.endAlternative();
    this.emit(flagGroup(this.flags, ')'), 1, false);
  }

  private endAlternative(): void {
    this.alternatives.push({ wanted: [this.out, ...this.wanted], unwanted: this.unwanted });
    this.out = '';
    this.wanted = [];
    this.unwanted = [];
    this.fixed = false;
  }

  private atom(): void {
    const rest = this.rest;
    const [character = ''] = Array.from(rest.slice(0, 2));
    if (character === '^') {
      this.start(this.flags.m ? '^' : '\\A', 1);
      return;
    }
    if (rest.startsWith('\\A')) {
      this.start('\\A', 2);
      return;
    }
    if (character === '$') {
      this.end(this.flags.m ? '$' : END_OR_LAST_LINE_FEED, 1);
      return;
    }
    if (character === '.') {
      this.emit('.', 1, true);
      return;
    }
    const from = this.at;
    const atom: Atom = rest.startsWith('[')
      ? classAt(rest, (part, offset) => this.refuse(part, from + offset))
      : rest.startsWith('\\')
        ? escapeAt(rest, false, (part) => this.refuse(part))
        : { kind: 'character', re2: re2Literal(character), length: character.length };
    if (atom.kind === 'anchor') {
      this.end(atom.re2, atom.length);
      return;
    }
    this.emit(atom.re2, atom.length, true);
  }

  private start(re2: string, length: number): void {
    const first = /^(?:\(\?[a-z-]+\))*$/.test(this.out);
    if (this.groups.length === 0) this.fixed = first && re2 === '\\A';
    this.emit(re2, length, true);
  }

  private end(re2: string, length: number): void {
    if (this.groups.length === 0) this.fixed = false;
    this.emit(re2, length, true);
  }

  private refuse(part: string, at = this.at): never {
    const character = Array.from(this.pattern.slice(0, at)).length + 1;
    throw invalidArgument(
      `The regular expression of the filter is not supported: ${part} at character ${character}. Rewrite it without that, or filter by prefixes.`,
    );
  }
}

const withOptions = (flags: Flags, on: string, off: string): Flags => {
  const has = (flag: keyof Flags): boolean =>
    !off.includes(flag) && (on.includes(flag) || flags[flag]);
  return { i: has('i'), m: has('m'), s: has('s'), x: has('x') };
};

/** States every flag, so that the result does not depend on what precedes it. */
const flagGroup = (flags: Flags, end: ')' | ':'): string => {
  const on = (['i', 'm', 's'] as const).filter((flag) => flags[flag]).join('');
  const off = (['i', 'm', 's'] as const).filter((flag) => !flags[flag]).join('');
  return `(?${on}${off === '' ? '' : `-${off}`}${end}`;
};

type RefuseAt = (part: string, offset: number) => never;

/** The bracketed class at the start of `text`. Inside it, white space and `#` are literal. */
const classAt = (text: string, refuse: RefuseAt): Atom => {
  const negated = text.startsWith('[^');
  const first = negated ? 2 : 1;
  let re2 = negated ? '[^' : '[';
  let at = first;
  while (at === first || text[at] !== ']') {
    if (at >= text.length) return refuse('`[` (unclosed class)', 0);
    const low = memberAt(text, at, refuse);
    at += low.length;
    re2 += low.re2;
    if (text[at] !== '-' || text[at + 1] === ']' || at + 1 >= text.length) continue;
    if (text[at + 1] === '[') return refuse('`-[` (class subtraction)', at);
    const high = memberAt(text, at + 1, refuse);
    if (low.kind !== 'character' || high.kind !== 'character') {
      return refuse('`-` (range whose ends are not characters)', at);
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
  return { kind: 'character', re2: re2Literal(character), length: character.length };
};
