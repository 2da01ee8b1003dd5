import { RE2JS, RE2JSException } from 're2js';
import { readDotNet, type Alternative } from './dotnet-syntax.js';
import { invalidArgument } from './rpc-error.js';

const MAX_PATTERN_CHARACTERS = 1000;
/** A match takes at most so many steps for each character of its subject. */
const MAX_PROGRAM_SIZE = 1000;

/**
 * A client's regular expression as .NET reads it, matched in time linear in its subject, so that
 * no event can stop the event loop for long. What cannot be matched so is refused rather than read as something
 * else. `\b` takes ASCII's letters, digits and `_` for the characters of a word.
 */
export const linearRegex = (pattern: string): Pick<RegExp, 'test'> => {
  if (pattern.length > MAX_PATTERN_CHARACTERS) {
    throw invalidArgument(`A regular expression has at most ${MAX_PATTERN_CHARACTERS} characters.`);
  }
  const expressions = readDotNet(pattern).map(compiled);
  const size = expressions.reduce((sum, expression) => sum + expression.size, 0);
  if (size > MAX_PROGRAM_SIZE) {
    throw invalidArgument(
      `A filter's regular expression repeats too much: it takes ${size} instructions of at most ${MAX_PROGRAM_SIZE}.`,
    );
  }
  return { test: (subject) => expressions.some((expression) => expression.test(subject)) };
};

const compiled = ({ wanted, unwanted }: Alternative) => {
  const all = wanted.map(compile);
  const none = unwanted.map(compile);
  return {
    size: [...all, ...none].reduce((sum, regex) => sum + regex.programSize(), 0),
    test: (subject: string): boolean =>
      all.every((regex) => regex.test(subject)) && !none.some((regex) => regex.test(subject)),
  };
};

const compile = (expression: string): RE2JS => {
  try {
    return RE2JS.compile(expression, RE2JS.LOOKBEHINDS);
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error;
    throw invalidArgument(`A filter's regular expression is not understood: ${error.message}.`);
  }
};
