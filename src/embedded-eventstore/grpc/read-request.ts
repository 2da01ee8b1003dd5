import streams from '@eventstore/db-client/generated/streams_pb.js';
import { RE2JS, RE2JSException } from 're2js';
import type { Direction, LogFilter } from '../log/event-log.js';
import { type Alternative, readDotNet } from './dotnet-syntax.js';
import { MAX_INT64, streamNameOf } from './request-shapes.js';
import { invalidArgument, unexpectedReadResult } from './rpc-error.js';

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

const filterOf = (options: FilterOptions): LogFilter => {
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
const checkpointIntervalOf = (options: FilterOptions): number => {
  const window = options.hasMax() ? options.getMax() : DEFAULT_WINDOW;
  const interval = window * options.getCheckpointintervalmultiplier();
  if (interval < 1) {
    throw invalidArgument('The search window and the checkpoint interval must be at least 1.');
  }
  return Math.min(interval, Number.MAX_SAFE_INTEGER);
};

type From = bigint | 'start' | 'end';

/** One of the four things that a read call can ask for. */
export type ReadRequest =
  | {
      readonly kind: 'read-stream';
      readonly stream: string;
      readonly from: From;
      readonly direction: Direction;
      readonly count: number;
      /** Whether the client understands messages about the bounds of the stream. */
      readonly tellsBounds: boolean;
    }
  | {
      readonly kind: 'read-all';
      readonly from: From;
      readonly direction: Direction;
      readonly count: number;
      readonly filter?: LogFilter;
    }
  | { readonly kind: 'subscribe-stream'; readonly stream: string; readonly after: From }
  | {
      readonly kind: 'subscribe-all';
      readonly after: From;
      readonly filter?: LogFilter;
      readonly checkpointEvery?: number;
    };

type ReadReqOptions = streams.ReadReq.Options;

export const readRequestOf = (options: ReadReqOptions): ReadRequest => {
  const counted = options.hasCount();
  if (!counted && !options.hasSubscription()) {
    throw invalidArgument('A read needs a count or must be a subscription.');
  }
  if (options.hasStream()) return counted ? streamRead(options) : subscribeStream(options);
  if (options.hasAll()) return counted ? allRead(options) : subscribeAll(options);
  throw invalidArgument('A read must name a stream or all streams.');
};

const streamRead = (options: ReadReqOptions): ReadRequest => {
  refuseFilter(options);
  const { stream, from } = startInStream(options);
  const direction = directionOf(options);
  const count = countOf(options);
  if ((direction === 'forwards' && from === 'end') || count === 0) throw unexpectedReadResult();
  const tellsBounds = (options.getControlOption()?.getCompatibility() ?? 0) >= 1;
  return { kind: 'read-stream', stream, from, direction, count, tellsBounds };
};

const allRead = (options: ReadReqOptions): ReadRequest => {
  const filter = options.getFilter();
  return {
    kind: 'read-all',
    from: startPosition(options),
    direction: directionOf(options),
    count: countOf(options),
    ...(filter === undefined ? {} : { filter: filterOf(filter) }),
  };
};

const subscribeStream = (options: ReadReqOptions): ReadRequest => {
  refuseFilter(options);
  refuseBackwards(options);
  const { stream, from } = startInStream(options);
  return { kind: 'subscribe-stream', stream, after: from };
};

const subscribeAll = (options: ReadReqOptions): ReadRequest => {
  refuseBackwards(options);
  const after = startPosition(options);
  const filter = options.getFilter();
  if (filter === undefined) return { kind: 'subscribe-all', after };
  return {
    kind: 'subscribe-all',
    after,
    filter: filterOf(filter),
    checkpointEvery: checkpointIntervalOf(filter),
  };
};

const startInStream = (options: ReadReqOptions): { stream: string; from: From } => {
  const of = options.getStream();
  const stream = streamNameOf(of?.getStreamIdentifier());
  if (of?.hasRevision() === true) return { stream, from: bounded(of.getRevision()) };
  return { stream, from: of?.hasEnd() === true ? 'end' : 'start' };
};

const startPosition = (options: ReadReqOptions): From => {
  const all = options.getAll();
  const position = all?.getPosition();
  if (position !== undefined) {
    const [commit, prepare] = [position.getCommitPosition(), position.getPreparePosition()];
    if (BigInt(prepare) > BigInt(commit)) {
      throw invalidArgument('The prepare position must not be above the commit position.');
    }
    return bounded(commit);
  }
  return all?.hasEnd() === true ? 'end' : 'start';
};

/** Positions are signed 64-bit numbers, so anything larger means the end. */
const bounded = (unsigned: string): bigint => {
  const value = BigInt(unsigned);
  return value > MAX_INT64 ? MAX_INT64 : value;
};

const countOf = (options: ReadReqOptions): number => Number(options.getCount());

const directionOf = (options: ReadReqOptions): Direction =>
  options.getReadDirection() === streams.ReadReq.Options.ReadDirection.BACKWARDS
    ? 'backwards'
    : 'forwards';

const refuseFilter = (options: ReadReqOptions): void => {
  if (options.hasFilter()) throw invalidArgument('A filter is only possible on all streams.');
};

const refuseBackwards = (options: ReadReqOptions): void => {
  if (directionOf(options) === 'backwards') {
    throw invalidArgument('A subscription can only read forwards.');
  }
};
