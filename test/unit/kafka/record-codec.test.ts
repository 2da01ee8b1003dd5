import { expect } from 'chai';
import fc from 'fast-check';
import {
  fromRecord,
  type KafkaRecord,
  toMarkerRecord,
  toRecord,
} from '../../../src/adapters/kafka/record-codec.js';
import { streamOf } from '../../../src/domain/ids.js';
import type { RecordedEvent } from '../../../src/ports/event-store.js';
import { encode } from '../../../src/wire/stream-event.js';
import { animeId, events } from '../../support/examples.js';
import { histories, LOG_ID, logOf } from '../../support/histories.js';

const utf8 = new TextEncoder();
const json = (value: unknown) => utf8.encode(JSON.stringify(value));

const recorded: RecordedEvent = {
  stream: streamOf(animeId(1)),
  revision: 7n,
  id: '7f6d2d6e-63a5-4c6e-8a3a-0f5a5a5e9f10',
  type: 'RatingGiven',
  data: json(encode(events.rating)),
  metadata: json({ $correlationId: 'c' }),
  isJson: true,
  position: { commit: 2n ** 63n, prepare: 2n ** 63n },
  recordedAt: Date.UTC(2026, 10, 24, 10),
};

const TRACEPARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

const PLACE = { partition: 3, offset: 9_007_199_254_740_993n };

const read = (record: KafkaRecord) => fromRecord({ ...record, ...PLACE });

describe('the codec of records on Kafka', () => {
  it('leaves the data unchanged', () => {
    expect(toRecord(recorded, LOG_ID).value).to.equal(recorded.data);
  });

  for (const [name, metadata] of [
    ['is no text', json({ traceparent: 1 })],
    ['is no trace', json({ traceparent: 'x\r\nevil: 1' })],
    ['stands in a value', json({ note: '"traceparent"' })],
    ['stands in broken JSON', utf8.encode('{"traceparent":')],
  ] as const) {
    it(`has no trace where it ${name}`, () => {
      const { headers } = toRecord({ ...recorded, metadata }, LOG_ID);
      expect(headers).not.to.have.property('traceparent');
    });
  }

  it('reads back what it wrote; of the metadata only the trace is kept', () => {
    fc.assert(
      fc.property(histories(), fc.boolean(), (history, isTraced) => {
        for (const event of logOf(history).store.log) {
          const metadata = isTraced ? json({ traceparent: TRACEPARENT }) : new Uint8Array();
          const item = read(toRecord({ ...event, metadata: json({}) }, LOG_ID));
          const traced = read(toRecord({ ...event, metadata }, LOG_ID));
          expect(item).to.have.nested.property('event.metadata.byteLength', 0);
          if (traced.kind !== 'event') expect.fail(traced.reason);
          expect(Buffer.from(traced.event.metadata)).to.deep.equal(Buffer.from(metadata));
          expect({ ...traced, event: { ...traced.event, metadata } }).to.deep.equal({
            kind: 'event',
            event: { ...event, metadata },
            logId: LOG_ID,
            ...PLACE,
          });
        }
      }),
      { numRuns: 50 },
    );
  });

  it('does not decode the data', () => {
    const data = utf8.encode('{"__proto__":{"animeId":');
    const item = read(toRecord({ ...recorded, type: 'Unheard', data }, LOG_ID));
    expect(item).to.have.nested.property('event.data', data);
  });

  it('reads a record of the EventStoreDB connector', () => {
    const item = read({
      key: 'anime-1',
      value: recorded.data,
      headers: {
        'esdb-record-id': recorded.id,
        'esdb-record-schema-subject': 'RatingGiven',
        'esdb-record-timestamp': '2026-11-24T10:00:00Z',
        'esdb-record-stream-id': 'anime-1',
        'esdb-record-stream-revision': '7',
        'esdb-record-log-position': '42',
      },
    });
    if (item.kind !== 'event') expect.fail(item.reason);
    expect(item.logId).to.equal(null);
    expect(item.event).to.deep.include({
      stream: 'anime-1',
      revision: 7n,
      id: recorded.id,
      type: 'RatingGiven',
      isJson: true,
      position: { commit: 42n, prepare: 42n },
      recordedAt: recorded.recordedAt,
    });
  });

  it('reads a foreign source as another log than ours', () => {
    const { headers, ...record } = toRecord(recorded, LOG_ID);
    const foreign = { ...record, headers: { ...headers, ce_source: '/kurrent' } };
    expect(read(foreign).logId).to.equal('/kurrent');
  });

  const record = toRecord(recorded, LOG_ID);
  const without = (name: string) => ({
    ...record,
    headers: Object.fromEntries(Object.entries(record.headers).filter(([key]) => key !== name)),
  });

  for (const [name, unreadable, reason] of [
    ['a marker', toMarkerRecord(recorded, LOG_ID), 'too-large'],
    ['no value', { ...record, value: null }, 'the record has no value'],
    ['no id', without('ce_id'), 'the header ce_id is missing'],
    ['no type', without('ce_type'), 'the header ce_type is missing'],
    [
      'no position',
      without('esdb-record-log-position'),
      'the header esdb-record-log-position is missing',
    ],
  ] as const) {
    it(`reports why ${name} cannot be read, and where it belongs`, () => {
      expect(read(unreadable)).to.deep.equal({
        kind: 'unreadable',
        reason,
        stream: 'anime-1',
        revision: 7n,
        value: unreadable.value,
        logId: LOG_ID,
        ...PLACE,
      });
    });
  }

  const withHeaders = (headers: Record<string, string>) => ({
    ...record,
    headers: { ...record.headers, ...headers },
  });

  it('takes the subject for the stream where no header names it, then the key', () => {
    const { headers } = without('esdb-record-stream-id');
    const subject = { ...record, key: 'x', headers: { ...headers, ce_subject: 'anime-2' } };
    expect(read(subject)).to.have.nested.property('event.stream', 'anime-2');
    const nameless = Object.entries(headers).filter(([name]) => name !== 'ce_subject');
    const key = { ...record, key: 'anime-3', headers: Object.fromEntries(nameless) };
    expect(read(key)).to.have.nested.property('event.stream', 'anime-3');
  });

  it('accepts an event without a readable time', () => {
    for (const unknown of [without('ce_time'), withHeaders({ ce_time: 'yesterday' })]) {
      expect(read(unknown)).to.have.nested.property('event.recordedAt', 0);
    }
  });

  it('takes data for JSON unless the content type is another', () => {
    expect(read(without('content-type'))).to.have.nested.property('event.isJson', true);
    const binary = withHeaders({ 'content-type': 'application/octet-stream' });
    expect(read(binary)).to.have.nested.property('event.isJson', false);
  });

  it('reads revisions up to the last safe integer, and positions of 64 bits', () => {
    const last = withHeaders({
      'esdb-record-stream-revision': '9007199254740991',
      'esdb-record-log-position': '18446744073709551615',
    });
    expect(read(last)).to.have.nested.property('event.revision', 9_007_199_254_740_991n);
    expect(read(last)).to.have.nested.property('event.position.commit', 2n ** 64n - 1n);
  });

  it('reports a position that is no whole number of up to 20 digits', () => {
    for (const position of ['', 'x7', '7x', '-7', '1e3', '184467440737095516150']) {
      expect(read(withHeaders({ 'esdb-record-log-position': position }))).to.include({
        reason: 'the header esdb-record-log-position is missing',
      });
    }
  });

  it('reports a record without a revision', () => {
    for (const headers of [
      without('esdb-record-stream-revision').headers,
      { ...record.headers, 'esdb-record-stream-revision': '-1' },
      { ...record.headers, 'esdb-record-stream-revision': '1e3' },
      { ...record.headers, 'esdb-record-stream-revision': '9007199254740993' },
    ]) {
      expect(read({ ...record, headers })).to.deep.include({
        reason: 'the header esdb-record-stream-revision is missing',
        revision: null,
      });
    }
  });

  it('reports a record without a key or a header of its stream', () => {
    expect(read({ key: '', value: null, headers: {} })).to.deep.include({
      reason: 'the record names no stream',
      stream: null,
    });
  });

  it('never throws, whatever the record', () => {
    const names = fc.constantFrom(...Object.keys(record.headers), '__proto__');
    fc.assert(
      fc.property(
        fc.string(),
        fc.option(fc.uint8Array()),
        fc.dictionary(names, fc.string()),
        fc.boolean(),
        (key, value, headers, wellPlaced) => {
          const all = wellPlaced ? { ...record.headers, ...headers } : headers;
          expect(read({ key, value, headers: all }).kind).to.be.oneOf(['event', 'unreadable']);
        },
      ),
    );
  });
});
