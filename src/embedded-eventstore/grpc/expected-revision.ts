import type { Expected } from '../log/event-log.js';
import { invalidArgument } from './rpc-error.js';

/** Revisions and positions are signed 64-bit numbers in the log, unsigned on the wire. */
export const MAX_INT64 = 2n ** 63n - 1n;
/** .NET's `StreamRevision.None`, -1 as an unsigned number: how Equinox expects no stream. */
const NONE = 2n ** 64n - 1n;

interface ExpectedOptions {
  hasNoStream(): boolean;
  hasAny(): boolean;
  hasStreamExists(): boolean;
}

/** The one that is set of the four ways to expect something of a stream. */
export const expectedOf = (options: ExpectedOptions, revision: string | undefined): Expected => {
  if (options.hasNoStream()) return 'no_stream';
  if (options.hasAny()) return 'any';
  if (options.hasStreamExists()) return 'stream_exists';
  if (revision === undefined) throw invalidArgument('An expected stream revision is required.');
  const expected = BigInt(revision);
  if (expected === NONE) return 'no_stream';
  if (expected > MAX_INT64) throw invalidArgument(`${expected.toString()} is not a revision.`);
  return expected;
};
