import { type KafkaMessage, type Message, Partitioners } from 'kafkajs';
import { traceparentIn } from '../../platform/observability/trace-context.js';
import type { BusItem } from '../../ports/event-bus.js';
import type { RecordedEvent } from '../../ports/event-store.js';

/** One message of a topic. Its key decides the partition, and so the order. */
export interface KafkaRecord {
  readonly key: string;
  readonly value: Uint8Array | null;
  readonly headers: Readonly<Record<string, string>>;
}

export interface ReceivedRecord extends KafkaRecord {
  readonly partition: number;
  readonly offset: bigint;
}

/** In the header of a record that stands for an event too large for the bus. */
const MARKER_HEADER = 'anime-analytics-marker';

const SOURCE_PREFIX = 'urn:anime-analytics:log:';

/**
 * The event as a message: CloudEvents 1.0 in binary mode, and the names that the event store's own
 * connectors give to where a record comes from. The data are forwarded byte for byte.
 */
export const toRecord = (event: RecordedEvent, logId: string): KafkaRecord => {
  const headers: Record<string, string> = {
    ce_specversion: '1.0',
    ce_id: event.id,
    ce_type: event.type,
    ce_source: `${SOURCE_PREFIX}${logId}`,
    ce_subject: event.stream,
    ce_time: new Date(event.recordedAt).toISOString(),
    'content-type': event.isJson ? JSON_CONTENT : 'application/octet-stream',
    'esdb-record-stream-id': event.stream,
    'esdb-record-stream-revision': event.revision.toString(),
    'esdb-record-log-position': event.position.commit.toString(),
  };
  const traceparent = traceparentIn(event.metadata);
  if (traceparent !== undefined) headers['traceparent'] = traceparent;
  return { key: event.stream, value: event.data, headers };
};

/** The place of an event that is too large for the bus, without its data. */
export const toMarkerRecord = (event: RecordedEvent, logId: string): KafkaRecord => {
  const { key, headers } = toRecord(event, logId);
  return { key, value: null, headers: { ...headers, [MARKER_HEADER]: 'too-large' } };
};

/**
 * Reads a record of ours or of the event store's own Kafka connector. Never throws, and leaves the
 * value encoded: the consumer, which knows the events, decodes it once.
 */
export const fromRecord = (record: ReceivedRecord): BusItem => {
  const { key, value, headers, partition, offset } = record;
  const source = headers['ce_source'];
  const logId = source === undefined ? null : logIdOf(source);
  const stream = headers['esdb-record-stream-id'] ?? headers['ce_subject'] ?? key;
  const revision = revisionIn(headers['esdb-record-stream-revision']);
  const unreadable = (reason: string): BusItem => ({
    kind: 'unreadable',
    reason,
    stream: stream === '' ? null : stream,
    revision,
    value: value,
    logId,
    partition,
    offset,
  });
  if (stream === '') return unreadable('the record names no stream');
  if (revision === null) return unreadable('the header esdb-record-stream-revision is missing');
  const id = headers['ce_id'] ?? headers['esdb-record-id'];
  if (id === undefined) return unreadable('the header ce_id is missing');
  const type = headers['ce_type'] ?? headers['esdb-record-schema-subject'];
  if (type === undefined) return unreadable('the header ce_type is missing');
  const commit = unsigned64(headers['esdb-record-log-position']);
  if (commit === null) return unreadable('the header esdb-record-log-position is missing');
  if (value === null) return unreadable(headers[MARKER_HEADER] ?? 'the record has no value');
  const event: RecordedEvent = {
    stream,
    revision,
    id,
    type,
    data: value,
    metadata: traceMetadata(headers['traceparent']),
    isJson: (headers['content-type'] ?? JSON_CONTENT) === JSON_CONTENT,
    position: { commit, prepare: commit },
    recordedAt: recordedAtIn(headers['ce_time'] ?? headers['esdb-record-timestamp']),
  };
  return { kind: 'event', event, logId, partition, offset };
};

const JSON_CONTENT = 'application/json';

/** A foreign source is returned whole, so that it never equals a log id of ours. */
const logIdOf = (source: string): string =>
  source.startsWith(SOURCE_PREFIX) ? source.slice(SOURCE_PREFIX.length) : source;

const UNSIGNED = /^\d{1,20}$/;

/** Revisions count from 0 in steps of one, so none exceeds a safe integer. */
const revisionIn = (text: string | undefined): bigint | null => {
  const revision = unsigned64(text);
  return revision !== null && revision <= Number.MAX_SAFE_INTEGER ? revision : null;
};

const unsigned64 = (text: string | undefined): bigint | null =>
  text !== undefined && UNSIGNED.test(text) ? BigInt(text) : null;

/** Used only to measure lag, so an event with an unknown time is still accepted. */
const recordedAtIn = (text: string | undefined): number => {
  const milliseconds = text === undefined ? Number.NaN : Date.parse(text);
  return Number.isNaN(milliseconds) ? 0 : milliseconds;
};

const EMPTY = new Uint8Array();

const traceMetadata = (traceparent: string | undefined): Uint8Array =>
  traceparent === undefined ? EMPTY : Buffer.from(JSON.stringify({ traceparent }));

export type PlacedMessage = Message & { readonly partition: number };

/**
 * The partition of a key as Java's producer chooses it. The count is ours and not the topic's: were
 * partitions added to it, keys would otherwise move and lose their order.
 */
export const partitionerFor = (partitions: number): ((key: string) => number) => {
  const choose = Partitioners.DefaultPartitioner();
  const partitionMetadata = Array.from({ length: partitions }, (_, partitionId) => ({
    partitionId,
    partitionErrorCode: 0,
    leader: 0,
    replicas: [],
    isr: [],
  }));
  const known = new Map<string, number>();
  return (key) => {
    const before = known.get(key);
    if (before !== undefined) return before;
    const partition = choose({ topic: '', partitionMetadata, message: { key, value: null } });
    if (known.size === MAX_KNOWN_KEYS) known.clear();
    known.set(key, partition);
    return partition;
  };
};

const MAX_KNOWN_KEYS = 20_000;

export const toMessage = (
  { key, value, headers }: KafkaRecord,
  partitionOf: (key: string) => number,
): PlacedMessage => ({
  key,
  value: value === null ? null : Buffer.from(value.buffer, value.byteOffset, value.byteLength),
  headers,
  partition: partitionOf(key),
});

export const receivedRecord = (
  partition: number,
  { key, value, headers = {}, offset }: Pick<KafkaMessage, 'key' | 'value' | 'offset' | 'headers'>,
): ReceivedRecord => ({
  key: key?.toString() ?? '',
  value,
  headers: Object.fromEntries(
    Object.entries(headers).map(([name, content]) => [name, headerText(content)]),
  ),
  partition,
  offset: BigInt(offset),
});

/**
 * The first value of a repeated header. kafkajs takes inherited properties for earlier values, so a
 * header named `constructor` comes with a function before its bytes.
 */
const headerText = (content: unknown): string => {
  const contents: readonly unknown[] = Array.isArray(content) ? content : [content];
  const first = contents.find((each) => Buffer.isBuffer(each) || typeof each === 'string');
  return first?.toString() ?? '';
};
