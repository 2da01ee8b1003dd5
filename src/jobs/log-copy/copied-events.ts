import { v5 } from 'uuid';
import type { EncodedEvent, EventStore, Position, RecordedEvent } from '../../ports/event-store.js';

export const TOMBSTONE_TYPE = '$streamDeleted';
const METASTREAM = '$$';

/** Whether this is a metadata stream. */
export const holdsMetadata = (stream: string): boolean => stream.startsWith(METASTREAM);
export const metadataStreamOf = (stream: string): string => METASTREAM + stream;
const describedBy = (metastream: string): string => metastream.slice(METASTREAM.length);

/** Stored in the target: how far each source has been copied. */
export const COPY_CHECKPOINTS = 'log-copy-';

/**
 * Streams that the service or its projections derive from a log. The first four contain the source's
 * identity or positions, which would be wrong in a copy. The others are computed again.
 */
const DERIVED_STREAMS: readonly string[] = [
  'log-identity',
  COPY_CHECKPOINTS,
  'bridge-checkpoint-',
  'deployed-projection-',
  'snapshot-anime-',
  'ratings-',
  'user-timeline-',
];

/** Excludes system streams and derived ones. Metadata is copied with its stream. */
export const isForCopy = ({ stream }: Pick<RecordedEvent, 'stream'>): boolean => {
  const original = holdsMetadata(stream) ? describedBy(stream) : stream;
  return !original.startsWith('$') && !DERIVED_STREAMS.some((name) => original.startsWith(name));
};

/** Fills the revision of an event that the source no longer has, so that later events keep theirs. */
const LEFT_OUT = 'RevisionLeftOut';

const PLACEHOLDERS = '2d0c5d8e-7a43-4f0b-9d0e-6c1f4f6f5b11';

const EMPTY_OBJECT = Buffer.from('{}');

/** Its id is deterministic, so that a repeated append is idempotent. */
export const placeholderAt = (stream: string, revision: bigint): EncodedEvent => ({
  id: v5(`${revision}@${stream}`, PLACEHOLDERS),
  type: LEFT_OUT,
  data: EMPTY_OBJECT,
  metadata: EMPTY_OBJECT,
  isJson: true,
});

export const isPlaceholder = ({ type, id, stream, revision }: RecordedEvent): boolean =>
  type === LEFT_OUT && id === placeholderAt(stream, revision).id;

interface PagesOptions {
  /** Exclusive; by default from the first event. */
  readonly after?: Position | undefined;
  /** The commit position of the last event, inclusive. */
  readonly end: bigint;
  readonly signal: AbortSignal;
}

/** Few, because an event may have a megabyte. */
const EVENTS_READ_AT_ONCE = 100;

/**
 * The pages of a log in the order of `$all`. Reads one page ahead of the consumer.
 */
export async function* logPages(
  store: EventStore,
  { after, end, signal }: PagesOptions,
): AsyncGenerator<readonly RecordedEvent[], void, undefined> {
  const pageAfter = (place: Position | undefined): Promise<readonly RecordedEvent[]> => {
    const page = store.readAll({ after: place, direction: 'forwards', limit: EVENTS_READ_AT_ONCE });
    // A failure surfaces at the await; a consumer that left must not cause an unhandled rejection.
    page.catch(() => undefined);
    return page;
  };
  if (after !== undefined && after.commit >= end) return;
  let next = pageAfter(after);
  for (;;) {
    signal.throwIfAborted();
    const page = await next;
    const last = page.at(-1);
    if (last === undefined) return;
    const isLast = last.position.commit >= end;
    if (!isLast) next = pageAfter(last.position);
    yield isLast ? page.filter(({ position }) => position.commit <= end) : page;
    if (isLast) return;
  }
}

/** The commit position of the last event; undefined in an empty log. */
export const lastCommitIn = async (store: EventStore): Promise<bigint | undefined> => {
  const [newest] = await store.readAll({ direction: 'backwards', limit: 1 });
  return newest?.position.commit;
};

/** Progress by position, because a server does not report its number of events. */
export const bytesOfLog = (done: bigint, total: bigint, detail = `${total} bytes`) => ({
  done: Number(done),
  total: Number(total),
  unit: 'bytes',
  detail,
});
