import type streams from '@eventstore/db-client/generated/streams_pb.js';
import { RE2JS, RE2JSException } from 're2js';
import type { LogFilter } from '../log/event-log.js';
import { type Alternative, readDotNet } from './dotnet-syntax.js';
import { invalidArgument } from './rpc-error.js';

const MAX_PATTERN_CHARACTERS = 1000;
/** A match takes at most this many steps per character of its subject. */
const MAX_PROGRAM_SIZE = 1000;

/**
 * A client's regular expression with .NET semantics, matched in linear time so that no event can
 * block the event loop for long. A pattern that cannot be matched that way is refused rather than
 * given another meaning. `\b` treats ASCII letters, digits and `_` as word characters.
 */
export const linearRegex = (pattern: string): Pick<RegExp, 'test'> => {
  if (pattern.length > MAX_PATTERN_CHARACTERS) {
    throw invalidArgument(
      `A regular expression must have at most ${MAX_PATTERN_CHARACTERS} characters.`,
    );
  }
  const expressions = readDotNet(pattern).map(compiled);
  const size = expressions.reduce((sum, expression) => sum + expression.size, 0);
  if (size > MAX_PROGRAM_SIZE) {
    throw invalidArgument(
      `The regular expression of the filter repeats too much: it compiles to ${size} instructions, more than ${MAX_PROGRAM_SIZE}.`,
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
    throw invalidArgument(`The regular expression of the filter is not valid: ${error.message}.`);
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
    throw invalidArgument('A filter must have a regular expression or prefixes.');
  }
  if (prefixes.length > MAX_PREFIXES) {
    throw invalidArgument(`A filter must have at most ${MAX_PREFIXES} prefixes.`);
  }
  return { on, prefixes };
};

/** How many events are scanned from one checkpoint to the next. */
export const checkpointIntervalOf = (options: FilterOptions): number => {
  const window = options.hasMax() ? options.getMax() : DEFAULT_WINDOW;
  const interval = window * options.getCheckpointintervalmultiplier();
  if (interval < 1) {
    throw invalidArgument('The search window and the checkpoint interval must be at least 1.');
  }
  return Math.min(interval, Number.MAX_SAFE_INTEGER);
};
