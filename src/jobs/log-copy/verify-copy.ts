import { StreamDeletedError } from '../../ports/errors.js';
import type { EventStore, RecordedEvent } from '../../ports/event-store.js';
import { asOriginal } from '../../wire/original-time.js';
import { pages } from '../../platform/async/pages.js';
import type { JobOutput } from '../job.js';
import {
  bytesOfLog,
  holdsMetadata,
  isForCopy,
  isPlaceholder,
  lastCommitIn,
  logPages,
  metadataStreamOf,
} from './copied-events.js';
import {
  type DifferentStream,
  hashAfter,
  sha256OfMetadata,
  type StreamDigest,
  type StreamDigests,
} from './stream-digests.js';
import type { LogTarget } from './target.js';

/** Events of the source in the form that is compared. */
export const addSource = (
  digests: StreamDigests,
  { isExact }: LogTarget,
  events: readonly RecordedEvent[],
): void => {
  const isState = ({ stream }: RecordedEvent) => !isExact && holdsMetadata(stream);
  digests.addMetadata(events.filter(isState));
  digests.add(
    'source',
    events.filter((event) => !isState(event)),
  );
};

interface CopyComparison {
  /** Already contains the digests of the source. */
  readonly digests: StreamDigests;
  readonly target: LogTarget;
  /** Absent where the source is a file. */
  readonly source?: EventStore;
  readonly signal: AbortSignal;
  readonly output: JobOutput;
  readonly written: number;
  /** The identity of the target. */
  readonly logId: string;
}

const MAX_LISTED_STREAMS = 10;

/** Compares the target with the source, and prints what was found. Returns whether they are equal. */
export const compareWithTarget = async (options: CopyComparison): Promise<boolean> => {
  const { digests, written, logId, output } = options;
  const different = await differencesOf(options);
  for (const { stream, source, target } of different.slice(0, MAX_LISTED_STREAMS)) {
    output.print(`different: stream ${stream}`);
    output.print(`  the source has ${digestText(source)}`);
    output.print(`  the target has ${digestText(target)}`);
  }
  const { streams, events } = digests.counts();
  const result = different.length === 0 ? 'equal' : `${different.length} streams differ`;
  output.print(
    `${written} events written; ${events} events in ${streams} streams compared: ${result}. ` +
      `The target is the log ${logId}.`,
  );
  output.report({ written, streams, events, logId, different });
  return different.length === 0;
};

const digestText = ({ events, last, sha256 }: StreamDigest): string =>
  `${events} events up to revision ${last ?? 'none'}, SHA-256 ${sha256 ?? 'none'}`;

/**
 * The streams in which the target differs. Events hidden by metadata may be missing on either side, so a
 * stream that differs is compared again by what its readers see.
 */
const differencesOf = async ({
  digests,
  target: { store, isExact },
  source,
  signal,
  output,
}: CopyComparison): Promise<readonly DifferentStream[]> => {
  const end = (await lastCommitIn(store)) ?? 0n;
  for await (const page of logPages(store, { end, signal })) {
    const own = page.filter((event) => isForCopy(event) && !isPlaceholder(event)).map(asOriginal);
    digests.add('target', isExact ? own : own.filter(({ stream }) => !holdsMetadata(stream)));
    const done = page.at(-1)?.position.commit ?? end;
    output.progress({ task: 'compare', ...bytesOfLog(done, end) });
  }
  const found: DifferentStream[] = [];
  for (const different of digests.different()) {
    signal.throwIfAborted();
    if (!(await isSameToReaders(store, source, different))) found.push(different);
  }
  return [...found, ...(await metadataDifferences(digests, store))];
};

const isSameToReaders = async (
  store: EventStore,
  source: EventStore | undefined,
  { stream, source: expected, target }: DifferentStream,
): Promise<boolean> => {
  if (source !== undefined) return (await seenIn(source, stream)) === (await seenIn(store, stream));
  const isHiding = (await metadataIn(store, metadataStreamOf(stream))) !== null;
  return isHiding && target.last === expected.last;
};

/** The hash of the events visible to a reader. */
const seenIn = async (store: EventStore, stream: string): Promise<string> => {
  let hash: Uint8Array = new Uint8Array();
  try {
    for await (const event of store.read(stream)) {
      if (!isPlaceholder(event)) hash = hashAfter(hash, asOriginal(event));
    }
    return Buffer.from(hash).toString('hex');
  } catch (error) {
    if (!(error instanceof StreamDeletedError)) throw error;
    return 'tombstoned';
  }
};

/** Metadata of which only the latest state was copied. */
const metadataDifferences = async (
  digests: StreamDigests,
  store: EventStore,
): Promise<DifferentStream[]> => {
  const all = pages(
    (after: string | null, limit) => Promise.resolve(digests.metadataAfter(after, limit)),
    ({ metastream }) => metastream,
  );
  const found: DifferentStream[] = [];
  for await (const { metastream, sha256 } of all) {
    const copied = await metadataIn(store, metastream);
    if (copied === sha256 || copied === 'tombstoned') continue;
    const state = { events: 1, last: null };
    const target = { ...state, sha256: copied };
    found.push({ stream: metastream, source: { ...state, sha256 }, target });
  }
  return found;
};

const metadataIn = async (store: EventStore, metastream: string): Promise<string | null> => {
  try {
    for await (const { data } of store.read(metastream, { direction: 'backwards', limit: 1 })) {
      return sha256OfMetadata(data);
    }
    return null;
  } catch (error) {
    if (!(error instanceof StreamDeletedError)) throw error;
    return 'tombstoned';
  }
};
