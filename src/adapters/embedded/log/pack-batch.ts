import { TOMBSTONE_REVISION, type LogRecord } from './event-log.js';
import type { Ticket } from './ticket.js';
import {
  NUMBERS_PER_EVENT,
  TOMBSTONE,
  type Batch,
  type RetentionRow,
  type StreamRow,
} from './writer-protocol.js';

/**
 * What the writer gets of a group. The bytes are gathered in one buffer that is handed over: sending
 * a small Buffer by itself would copy the whole pool that it was cut from.
 */
export const packBatch = (group: {
  readonly tickets: readonly Ticket[];
  readonly streams: readonly StreamRow[];
  readonly retention: readonly RetentionRow[];
}): Batch => {
  const { streams, retention } = group;
  const { events, bytes } = sizeOf(group.tickets);
  const numbers = new Float64Array(events * NUMBERS_PER_EVENT);
  const payload = new Uint8Array(bytes);
  const ids: string[] = [];
  const types: string[] = [];
  let offset = 0;
  forEachRecord(group.tickets, (record, stream) => {
    const length = bytesOf(record);
    payload.set(record.data, offset);
    payload.set(record.metadata, offset + record.data.byteLength);
    numbers.set(numbersOf(record, stream, length), ids.length * NUMBERS_PER_EVENT);
    ids.push(record.id);
    types.push(record.type);
    offset += length;
  });
  return { kind: 'append', streams, retention, numbers, ids, types, payload };
};

const numbersOf = (record: LogRecord, stream: number, length: number): number[] => [
  Number(record.position),
  stream,
  record.revision === TOMBSTONE_REVISION ? TOMBSTONE : Number(record.revision),
  record.created,
  record.isJson ? 1 : 0,
  record.data.byteLength,
  length,
];

const bytesOf = (record: LogRecord): number => record.data.byteLength + record.metadata.byteLength;

const sizeOf = (
  tickets: readonly Ticket[],
): { readonly events: number; readonly bytes: number } => {
  let events = 0;
  let bytes = 0;
  forEachRecord(tickets, (record) => {
    events += 1;
    bytes += bytesOf(record);
  });
  return { events, bytes };
};

const forEachRecord = (
  tickets: readonly Ticket[],
  visit: (record: LogRecord, stream: number) => void,
): void => {
  for (const ticket of tickets) {
    for (const { head, records } of ticket.writes) {
      for (const record of records) visit(record, head.id);
    }
  }
};
