import streams from '@eventstore/db-client/generated/streams_pb.js';
import type { Direction, LogFilter } from '../log/event-log.js';
import { MAX_INT64, streamNameOf } from './identifiers.js';
import { checkpointIntervalOf, filterOf } from './filter.js';
import { invalidArgument, unexpectedReadResult } from './rpc-error.js';

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
  if (options.hasAll()) return counted ? readAll(options) : subscribeAll(options);
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

const readAll = (options: ReadReqOptions): ReadRequest => {
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
