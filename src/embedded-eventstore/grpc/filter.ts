import type streams from '@eventstore/db-client/generated/streams_pb.js';
import type { LogFilter } from '../log/event-log.js';
import { linearRegex } from './linear-regex.js';
import { invalidArgument } from './rpc-error.js';

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
