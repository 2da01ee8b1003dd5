/**
 * What a text may be, as data. Checks and published schemas are both built from it, so that they
 * cannot differ.
 */
export interface TextRule {
  /** In code points, as JSON Schema counts: an emoji is one character. */
  readonly maxLength: number;
  /** Default: it needs a character that is not white space. */
  readonly mayBeBlank?: boolean;
  readonly forbidden: readonly ForbiddenCharacters[];
}

interface ForbiddenCharacters {
  /** The inside of a character class, with escapes that most regular expression dialects share. */
  readonly characters: string;
  readonly reason: string;
}

/** Refused because stores replace each of them by U+FFFD: two texts would become one. */
export const LONE_SURROGATES: ForbiddenCharacters = {
  characters: '\\ud800-\\udfff',
  reason: 'must be well-formed Unicode',
};

export const CONTROL_CHARACTERS: ForbiddenCharacters = {
  characters: '\\u0000-\\u001f\\u007f-\\u009f',
  reason: 'must not have control characters',
};

export const CONTROL_BUT_TAB_OR_LINE_BREAK: ForbiddenCharacters = {
  characters: '\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f',
  reason: CONTROL_CHARACTERS.reason,
};

export const COMMAS: ForbiddenCharacters = { characters: ',', reason: 'must not have a comma' };

/** The rule without its length, as a regular expression for the flag u. */
export const patternOf = ({ mayBeBlank = false, forbidden }: TextRule): string => {
  const characters = forbidden.map((each) => each.characters).join('');
  return `^${mayBeBlank ? '' : '(?!\\s*$)'}[^${characters}]*$`;
};

/** Whether a value satisfies the rule. */
export const textCheck = (rule: TextRule): ((value: unknown) => value is string) => {
  const pattern = new RegExp(patternOf(rule), 'u');
  return (value): value is string =>
    typeof value === 'string' && !isLonger(value, rule.maxLength) && pattern.test(value);
};

/** Why a value breaks the rule; undefined if it does not. */
export const textReason = (rule: TextRule): ((value: unknown) => string | undefined) => {
  const { maxLength, mayBeBlank = false } = rule;
  const forbidden = rule.forbidden.map(({ characters, reason }) => ({
    found: new RegExp(`[${characters}]`, 'u'),
    reason,
  }));
  return (value) => {
    if (typeof value !== 'string') return 'must be a string';
    if (isLonger(value, maxLength)) {
      return `must have at most ${maxLength.toLocaleString('en')} characters`;
    }
    const broken = forbidden.find(({ found }) => found.test(value));
    if (broken !== undefined) return broken.reason;
    return mayBeBlank || value.trim() !== '' ? undefined : 'must not be blank';
  };
};

/** A code point is one or two UTF-16 units, so most texts need no counting. */
const isLonger = (text: string, maxLength: number): boolean =>
  text.length > maxLength && (text.length > 2 * maxLength || Array.from(text).length > maxLength);
