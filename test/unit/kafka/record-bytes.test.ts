import { expect } from 'chai';
import {
  partitionerFor,
  toMarkerRecord,
  toMessage,
  toRecord,
} from '../../../src/adapters/kafka/record-codec.js';
import type { RecordedEvent } from '../../../src/ports/event-store.js';

const utf8 = new TextEncoder();

const EVENT: RecordedEvent = {
  stream: 'anime-5114',
  revision: 42n,
  id: '7f6d2d6e-63a5-4c6e-8a3a-0f5a5a5e9f10',
  type: 'ClickRegistered',
  data: utf8.encode(
    '{"schemaVersion":1,"animeId":5114,"occurredAt":"2026-11-24T10:00:00.000Z","userId":"ヱヴァ 🙂"}',
  ),
  metadata: utf8.encode(
    '{"$correlationId":"c","traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}',
  ),
  isJson: true,
  position: { commit: 9_223_372_036_854_775_807n, prepare: 9_223_372_036_854_775_806n },
  recordedAt: Date.UTC(2026, 10, 24, 10, 0, 0, 7),
};

const LOG_ID = 'b9b5a1a6-6e2f-4a55-8c35-3c3f1f3c7d10';
const toPartition = partitionerFor(12);
const eventMessage = (event: RecordedEvent) => toMessage(toRecord(event, LOG_ID), toPartition);
const markerMessage = (event: RecordedEvent) =>
  toMessage(toMarkerRecord(event, LOG_ID), toPartition);

/** As it goes to the client of Kafka, headers in their order. */
const shown = ({ key, value, headers, partition }: ReturnType<typeof toMessage>) => ({
  key,
  value: value instanceof Buffer ? value.toString('hex') : value,
  headers: Object.entries(headers ?? {}),
  partition,
});

const CLICK = [
  ['ce_specversion', '1.0'],
  ['ce_id', '7f6d2d6e-63a5-4c6e-8a3a-0f5a5a5e9f10'],
  ['ce_type', 'ClickRegistered'],
  ['ce_source', 'urn:anime-analytics:log:b9b5a1a6-6e2f-4a55-8c35-3c3f1f3c7d10'],
  ['ce_subject', 'anime-5114'],
  ['ce_time', '2026-11-24T10:00:00.007Z'],
  ['content-type', 'application/json'],
  ['esdb-record-stream-id', 'anime-5114'],
  ['esdb-record-stream-revision', '42'],
  ['esdb-record-log-position', '9223372036854775807'],
  ['traceparent', '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'],
];

describe('a record on Kafka', () => {
  it('of an event has these bytes', () => {
    expect(shown(eventMessage(EVENT))).to.deep.equal({
      key: 'anime-5114',
      value:
        '7b22736368656d6156657273696f6e223a312c22616e696d654964223a353131342c226f63637572726564417422' +
        '3a22323032362d31312d32345431303a30303a30302e3030305a222c22757365724964223a22e383b1e383b4e382' +
        'a120f09f9982227d',
      headers: CLICK,
      partition: 5,
    });
  });

  it('of an event that is too large has these bytes: no value, and the header of a marker', () => {
    expect(shown(markerMessage(EVENT))).to.deep.equal({
      key: 'anime-5114',
      value: null,
      headers: [...CLICK, ['anime-analytics-marker', 'too-large']],
      partition: 5,
    });
  });

  it('of an event without JSON and without a trace has these bytes', () => {
    const data = Uint8Array.of(0, 255);
    const binary = { ...EVENT, stream: 'anime-é', isJson: false, data, metadata: new Uint8Array() };
    expect(shown(eventMessage(binary))).to.deep.equal({
      key: 'anime-é',
      value: '00ff',
      headers: [
        ['ce_specversion', '1.0'],
        ['ce_id', '7f6d2d6e-63a5-4c6e-8a3a-0f5a5a5e9f10'],
        ['ce_type', 'ClickRegistered'],
        ['ce_source', 'urn:anime-analytics:log:b9b5a1a6-6e2f-4a55-8c35-3c3f1f3c7d10'],
        ['ce_subject', 'anime-é'],
        ['ce_time', '2026-11-24T10:00:00.007Z'],
        ['content-type', 'application/octet-stream'],
        ['esdb-record-stream-id', 'anime-é'],
        ['esdb-record-stream-revision', '42'],
        ['esdb-record-log-position', '9223372036854775807'],
      ],
      partition: 10,
    });
  });
});
