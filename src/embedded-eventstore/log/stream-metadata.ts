import { randomUUID } from 'node:crypto';
import type { RawEvent } from './event-log.js';

/** The parts of the latest `$metadata` event that the log acts on. */
export interface StreamMetadata {
  /** Whether there is a `$metadata` event: it makes a stream without events exist. */
  readonly exists: boolean;
  readonly maxCount: number | null;
  readonly maxAgeMs: number | null;
  /** Lower revisions are hidden. */
  readonly truncateBefore: number;
  readonly softDeleted: boolean;
  /**
   * The bytes of the event, kept only while soft deleted: undoing the deletion preserves the other
   * keys.
   */
  readonly data: Uint8Array | null;
}

export const METADATA_TYPE = '$metadata';
const METASTREAM_PREFIX = '$$';

export const isMetastream = (stream: string): boolean => stream.startsWith(METASTREAM_PREFIX);
export const metastreamOf = (stream: string): string => METASTREAM_PREFIX + stream;
export const originalOf = (metastream: string): string =>
  metastream.slice(METASTREAM_PREFIX.length);

/** 2^63-1 as JSON. JavaScript cannot hold it exactly, so compare with a bound below it. */
export const SOFT_DELETED_JSON = '{"$tb":9223372036854775807}';
const SOFT_DELETED_FROM = 9.2e18;

export const NO_METADATA: StreamMetadata = {
  exists: false,
  maxCount: null,
  maxAgeMs: null,
  truncateBefore: 0,
  softDeleted: false,
  data: null,
};

/** Metastreams always keep only their last event. */
export const METASTREAM_METADATA: StreamMetadata = { ...NO_METADATA, maxCount: 1 };

const UNREADABLE_METADATA: StreamMetadata = { ...NO_METADATA, exists: true };

const isWholeNumber = (value: unknown, least: number): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= least;

const metadataDecoder = new TextDecoder('utf-8', { fatal: true });

/** Metadata with any unreadable part is ignored as a whole, as in EventStoreDB. */
export const parseMetadata = (event: Pick<RawEvent, 'type' | 'data'>): StreamMetadata => {
  if (event.type !== METADATA_TYPE) return UNREADABLE_METADATA;
  try {
    return metadataFromJson(JSON.parse(metadataDecoder.decode(event.data)), event.data);
  } catch {
    return UNREADABLE_METADATA;
  }
};

const metadataFromJson = (value: unknown, data: Uint8Array): StreamMetadata => {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return UNREADABLE_METADATA;
  const { $maxCount, $maxAge, $tb } = value as Record<string, unknown>;
  if ($maxCount !== undefined && !isWholeNumber($maxCount, 1)) return UNREADABLE_METADATA;
  if ($maxAge !== undefined && !isWholeNumber($maxAge, 1)) return UNREADABLE_METADATA;
  if ($tb !== undefined && !isWholeNumber($tb, 0)) return UNREADABLE_METADATA;
  const softDeleted = $tb !== undefined && $tb >= SOFT_DELETED_FROM;
  return {
    exists: true,
    maxCount: $maxCount ?? null,
    maxAgeMs: $maxAge === undefined ? null : $maxAge * 1000,
    truncateBefore: $tb ?? 0,
    softDeleted,
    data: softDeleted ? data : null,
  };
};

/**
 * The same metadata, hiding only events before `revision`; undefined if it is not a JSON object.
 */
export const undeletedJson = (
  { data }: { readonly data: Uint8Array | null },
  revision: number,
): string | undefined => {
  try {
    const value: unknown = JSON.parse(metadataDecoder.decode(data ?? undefined));
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    return JSON.stringify({ ...value, $tb: revision });
  } catch {
    return undefined;
  }
};

/** The first revision visible to readers, given the last one. */
export const firstVisible = (metadata: StreamMetadata, last: number): number =>
  Math.max(
    metadata.truncateBefore,
    metadata.maxCount === null ? 0 : last - metadata.maxCount + 1,
    0,
  );

/** The metadata of a stream, or new one, that hides every event before `revision`. */
export const metadataText = (
  current: { readonly data: Uint8Array } | undefined,
  revision: number,
): RawEvent => {
  const json = current === undefined ? undefined : undeletedJson(current, revision);
  return {
    id: randomUUID(),
    type: METADATA_TYPE,
    data: Buffer.from(json ?? JSON.stringify({ $tb: revision })),
    metadata: new Uint8Array(),
    isJson: true,
  };
};
