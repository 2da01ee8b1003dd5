import type streams from '@eventstore/db-client/generated/streams_pb.js';
import { RE2JS, RE2JSException } from 're2js';
import type { LogFilter } from '../log/event-log.js';
import { type Alternative, readDotNet } from './dotnet-syntax.js';
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

type FilterOptions = streams.ReadReq.Options.FilterOptions;

const MAX_PREFIXES = 1000;
const DEFAULT_WINDOW = 32;

export const filterOf = (options: FilterOptions): LogFilter => {
  const on = options.hasStreamIdentifier() ? 'stream' : 'type';
  const expression = options.getStreamIdentifier() ?? options.getEventType();
  const regex = expression?.getRegex() ?? '';
  if (regex !== '') return { on, regex: linearRegex(regex) };
  const prefixes = expression?.getPrefixList() ?? [];
  if (prefixes.length === 0) {
    throw invalidArgument('A filter has a regular expression or prefixes.');
  }
  if (prefixes.length > MAX_PREFIXES) {
    throw invalidArgument(`A filter has at most ${MAX_PREFIXES} prefixes.`);
  }
  return { on, prefixes };
};

/** Events that are considered from one checkpoint to the next. */
export const checkpointIntervalOf = (options: FilterOptions): number => {
  const window = options.hasMax() ? options.getMax() : DEFAULT_WINDOW;
  const interval = window * options.getCheckpointintervalmultiplier();
  if (interval < 1) {
    throw invalidArgument('A search window and a checkpoint interval are at least 1.');
  }
  return Math.min(interval, Number.MAX_SAFE_INTEGER);
};
