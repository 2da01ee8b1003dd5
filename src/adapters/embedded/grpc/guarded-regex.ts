import { LRUCache } from 'lru-cache';
import { createContext, Script } from 'node:vm';
import { invalidArgument } from './rpc-error.js';

const MAX_PATTERN_CHARACTERS = 1000;
/** Generous for an expression that takes 0.1 ms on a busy machine, short for the event loop. */
const MATCH_TIMEOUT_MS = 100;
/** What all matches of a subscription may take together: so much, and so much more for each. */
const BUDGET_MS = { once: 500, perMatch: 1 };
const REMEMBERED_SUBJECTS = 10_000;

/**
 * A client's regular expression, which must not stop the event loop: backtracking can take longer
 * than the universe lasts. Expressions that cannot backtrack far run as they are. Any other runs
 * under a time limit, which costs about 0.1 ms, once per distinct subject; one that exceeds it ends
 * the subscription. The dialect is JavaScript's in unicode mode, with .NET's escapes of punctuation
 * and its anchors. An escape that is not known is refused rather than read as something else.
 */
export const guardedRegex = (pattern: string): Pick<RegExp, 'test'> => {
  const regex = compiled(pattern);
  return isPlain(regex.source) ? regex : timeLimited(regex);
};

const compiled = (pattern: string): RegExp => {
  if (pattern.length > MAX_PATTERN_CHARACTERS) {
    throw invalidArgument(`A regular expression has at most ${MAX_PATTERN_CHARACTERS} characters.`);
  }
  try {
    return new RegExp(fromDotNet(pattern), 'u');
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw invalidArgument(`A filter's regular expression is not understood: ${error.message}`);
  }
};

const ANCHORS: Readonly<Record<string, string>> = {
  '\\A': '^',
  '\\z': '$',
  '\\Z': '(?=\\n?$)',
};

/** The server takes the escape of any punctuation; JavaScript only where the escape is needed. */
const fromDotNet = (pattern: string): string => {
  let inClass = false;
  return pattern.replace(/\\.|[[\]]/gsu, (part) => {
    if (part.length === 1) {
      inClass = part === '[' || (inClass && part !== ']');
      return part;
    }
    if (part === '\\e') return '\\x1b';
    if (/[ !"#%&',:;<=>@`~]/.test(part) || (part === '\\-' && !inClass)) return part.slice(1);
    return (inClass ? undefined : ANCHORS[part]) ?? part;
  });
};

/**
 * At most one group, never repeated, at most one repetition and no reference back: the steps are at
 * most the pattern's length times the square of the subject's.
 */
const isPlain = (pattern: string): boolean => {
  if (/\\[1-9k]/.test(pattern)) return false;
  const outline = pattern.replace(/\\./gsu, 'x').replace(/\[[^\]]*\]/gsu, 'x');
  const groups = outline.match(/\(/g)?.length ?? 0;
  const repetitions = outline.match(/[*+?{]/g)?.length ?? 0;
  return groups <= 1 && repetitions <= 1 && !/\)[*+?{]/.test(outline);
};

const script = new Script('regex.test(subject)');
/** One for all, as each would cost a megabyte; nothing in it outlives a match. */
const context: { regex?: RegExp; subject?: string } = {};
createContext(context);

const timeLimited = (regex: RegExp): Pick<RegExp, 'test'> => {
  const known = new LRUCache<string, boolean>({ max: REMEMBERED_SUBJECTS });
  let budgetMs = BUDGET_MS.once;

  const evaluate = (subject: string): boolean | undefined => {
    Object.assign(context, { regex, subject });
    const started = performance.now();
    try {
      return script.runInContext(context, { timeout: MATCH_TIMEOUT_MS }) === true;
    } catch (error) {
      if (!isTimeout(error)) throw error;
      return undefined;
    } finally {
      budgetMs += BUDGET_MS.perMatch - (performance.now() - started);
    }
  };

  return {
    test(subject) {
      const remembered = known.get(subject);
      if (remembered !== undefined) return remembered;
      if (budgetMs < 0) throw tooSlow();
      // The first time it may have been the machine that stood still.
      const matches = evaluate(subject) ?? evaluate(subject);
      if (matches === undefined) throw tooSlow();
      known.set(subject, matches);
      return matches;
    },
  };
};

const tooSlow = () =>
  invalidArgument("A filter's regular expression takes too long to match this log's events.");

/** The error comes from the other context, where `Error` is another class. */
const isTimeout = (error: unknown): boolean =>
  typeof error === 'object' &&
  error !== null &&
  'code' in error &&
  error.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT';
