import { TOMBSTONE_REVISION, type LogRecord } from './event-log.js';
import type { Ticket } from './heads.js';
import {
  TOMBSTONE,
  type Batch,
  type EventRow,
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
  const events: EventRow[] = [];
  const payload = new Uint8Array(group.tickets.reduce((sum, ticket) => sum + payloadOf(ticket), 0));
  let offset = 0;
  for (const ticket of group.tickets) {
    for (const { head, records } of ticket.writes) {
      for (const record of records) {
        payload.set(record.data, offset);
        payload.set(record.metadata, offset + record.data.byteLength);
        offset += sizeOf(record);
        events.push(toRow(head.id, record));
      }
    }
  }
  return { kind: 'append', streams: group.streams, retention: group.retention, events, payload };
};

const sizeOf = (record: LogRecord): number => record.data.byteLength + record.metadata.byteLength;

const payloadOf = (ticket: Ticket): number => {
  let bytes = 0;
  for (const { records } of ticket.writes) for (const record of records) bytes += sizeOf(record);
  return bytes;
};

const toRow = (stream: number, record: LogRecord): EventRow => [
  Number(record.position),
  stream,
  record.revision === TOMBSTONE_REVISION ? TOMBSTONE : Number(record.revision),
  record.id,
  record.type,
  record.created,
  record.isJson ? 1 : 0,
  record.data.byteLength,
  sizeOf(record),
];
