import { jsonObjectIn } from '../ports/json.js';
import type { BusRecord } from '../ports/event-bus.js';
import type { RecordedEvent } from '../ports/event-store.js';
import { animeIdOf } from '../domain/stream-name.js';
import { logIdOf } from './log-identity.js';
import { decodeOf, notOfAnAnime, type Reading, type Unreadable } from './stream-event.js';

/** In the header of a record that stands for an event too large for the bus. */
export const MARKER_HEADER = 'anime-analytics-marker';

/** In which log the event was recorded. */
export const SOURCE_HEADER = 'ce_source';

/**
 * The event as a message: CloudEvents 1.0 in binary mode, and the names that the event store's own
 * connectors give to where a record comes from. The data are forwarded byte for byte.
 */
export const toRecord = (event: RecordedEvent, source: string): BusRecord => {
  const headers: Record<string, string> = {
    ce_specversion: '1.0',
    ce_id: event.id,
    ce_type: event.type,
    [SOURCE_HEADER]: source,
    ce_subject: event.stream,
    ce_time: new Date(event.recordedAt).toISOString(),
    'content-type': event.isJson ? 'application/json' : 'application/octet-stream',
    'esdb-record-stream-id': event.stream,
    'esdb-record-stream-revision': event.revision.toString(),
    'esdb-record-log-position': event.position.commit.toString(),
  };
  const traceparent = traceparentIn(event.metadata);
  if (traceparent !== undefined) headers['traceparent'] = traceparent;
  return { key: event.stream, value: event.data, headers };
};

/** Stands for a record that the bus does not take: its place in the stream without its data. */
export const toMarker = (record: BusRecord): BusRecord => ({
  ...record,
  value: null,
  headers: { ...record.headers, [MARKER_HEADER]: 'too-large' },
});

/** Reads a message of ours or of the event store's own Kafka connector. Never throws. */
export const readRecord = ({ key, value, headers }: BusRecord): Reading => {
  const stream = headers['esdb-record-stream-id'] ?? headers['ce_subject'] ?? key;
  const revision = wholeNumber(headers['esdb-record-stream-revision']);
  const animeId = animeIdOf(stream);
  if (animeId === undefined) return notOfAnAnime(stream, revision);
  const unreadable = (reason: string): Unreadable => ({
    kind: 'unreadable',
    reason,
    stream,
    animeId,
    revision,
  });
  if (revision === null) return unreadable('the header esdb-record-stream-revision is missing');
  const id = headers['ce_id'] ?? headers['esdb-record-id'];
  if (id === undefined) return unreadable('the header ce_id is missing');
  const type = headers['ce_type'] ?? headers['esdb-record-schema-subject'];
  if (type === undefined) return unreadable('the header ce_type is missing');
  const commit = unsigned64(headers['esdb-record-log-position']);
  if (commit === null) return unreadable('the header esdb-record-log-position is missing');
  if (value === null) return unreadable(headers[MARKER_HEADER] ?? 'the record has no value');
  const decoded = decodeOf(animeId, type, value);
  if (decoded.kind === 'malformed') return unreadable(decoded.reason);
  const source = headers[SOURCE_HEADER];
  return {
    kind: 'event',
    event: {
      stream,
      animeId,
      revision,
      id,
      position: { commit, prepare: commit },
      logId: source === undefined ? null : logIdOf(source),
      recordedAt: time(headers['ce_time'] ?? headers['esdb-record-timestamp']),
      decoded,
    },
  };
};

const DIGITS = /^\d{1,20}$/;

const wholeNumber = (text: string | undefined): number | null => {
  if (text === undefined || !DIGITS.test(text)) return null;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : null;
};

const unsigned64 = (text: string | undefined): bigint | null =>
  text !== undefined && DIGITS.test(text) ? BigInt(text) : null;

/** Only for measuring lag, so an unknown time is no reason to refuse an event. */
const time = (text: string | undefined): number => {
  const milliseconds = text === undefined ? Number.NaN : Date.parse(text);
  return Number.isNaN(milliseconds) ? 0 : milliseconds;
};

const TRACEPARENT = Buffer.from('"traceparent"');
const WELL_FORMED = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/** Metadata are parsed only where they can hold one: most events of an import do not. */
const traceparentIn = (metadata: Uint8Array): string | undefined => {
  const bytes = Buffer.from(metadata.buffer, metadata.byteOffset, metadata.byteLength);
  if (!bytes.includes(TRACEPARENT)) return undefined;
  const traceparent = jsonObjectIn(bytes)?.['traceparent'];
  return typeof traceparent === 'string' && WELL_FORMED.test(traceparent) ? traceparent : undefined;
};
