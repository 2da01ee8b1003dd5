import type { RecordedEvent } from '../../ports/event-store.js';

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
