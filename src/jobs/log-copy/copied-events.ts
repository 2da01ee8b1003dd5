import { v5 } from 'uuid';
import type { EncodedEvent, EventStore, Position, RecordedEvent } from '../../ports/event-store.js';

export const TOMBSTONE_TYPE = '$streamDeleted';
const METASTREAM = '$$';

/** Whether a stream holds the metadata of another one. */
export const holdsMetadata = (stream: string): boolean => stream.startsWith(METASTREAM);
export const metadataStreamOf = (stream: string): string => METASTREAM + stream;
const describedBy = (metastream: string): string => metastream.slice(METASTREAM.length);

/** In the target: how far each source has been copied. */
export const COPY_CHECKPOINTS = 'log-copy-';

/**
 * What this service, or one of its projections, makes from a log or for it. Copied, the first four
 * would be wrong: they name the source or positions in it. The others are made again.
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

/** All but the store's own streams and what is derived. A stream's metadata goes with the stream. */
export const isForCopy = ({ stream }: Pick<RecordedEvent, 'stream'>): boolean => {
  const original = holdsMetadata(stream) ? describedBy(stream) : stream;
  return !original.startsWith('$') && !DERIVED_STREAMS.some((name) => original.startsWith(name));
};

/** Takes the place of an event that the source no longer has, so that those after it keep their revisions. */
const LEFT_OUT = 'RevisionLeftOut';

const PLACEHOLDERS = '2d0c5d8e-7a43-4f0b-9d0e-6c1f4f6f5b11';

const EMPTY_OBJECT = Buffer.from('{}');

/** It has the same id each time, so that it may be written again. */
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
  /** Exclusive; without it from the first event. */
  readonly after?: Position | undefined;
  /** The commit position of the last event, inclusive. */
  readonly end: bigint;
  readonly signal: AbortSignal;
}

/** An event may have a megabyte. */
const EVENTS_READ_AT_ONCE = 100;

/**
 * The events of a log in the order of `$all`, in pages, read no faster than they are taken but for one
 * page that is read ahead.
 */
export async function* logPages(
  store: EventStore,
  { after, end, signal }: PagesOptions,
): AsyncGenerator<readonly RecordedEvent[], void, undefined> {
  const pageAfter = (place: Position | undefined): Promise<readonly RecordedEvent[]> => {
    const page = store.readAll({ after: place, direction: 'forwards', limit: EVENTS_READ_AT_ONCE });
    // Its failure is thrown where it is awaited, unless the caller has left by then.
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

/** Progress through a log: positions grow like bytes, and no server tells the number of its events. */
export const bytesOfLog = (done: bigint, total: bigint, detail = `${total} bytes`) => ({
  done: Number(done),
  total: Number(total),
  unit: 'bytes',
  detail,
});
