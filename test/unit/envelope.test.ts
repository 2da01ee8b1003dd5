import { expect } from 'chai';
import fc from 'fast-check';
import { streamOf } from '../../src/domain/stream-name.js';
import type { RecordedEvent } from '../../src/ports/event-store.js';
import { encode } from '../../src/wire/codec.js';
import { readRecord, toMarker, toRecord } from '../../src/wire/envelope.js';
import { sourceOf } from '../../src/wire/log-identity.js';
import { fromRecorded } from '../../src/wire/stream-event.js';
import { animeId, events } from '../support/examples.js';
import { histories, LOG_ID, logOf } from '../support/histories.js';

const utf8 = new TextEncoder();
const json = (value: unknown) => utf8.encode(JSON.stringify(value));
const source = sourceOf(LOG_ID);

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

describe('envelope', () => {
  it('wraps an event as a CloudEvent in binary mode with unchanged data', () => {
    const record = toRecord(recorded, source);
    expect(record.value).to.equal(recorded.data);
    expect(record).to.deep.equal({
      key: 'anime-1',
      value: recorded.data,
      headers: {
        ce_specversion: '1.0',
        ce_id: recorded.id,
        ce_type: 'RatingGiven',
        ce_source: `urn:anime-analytics:log:${LOG_ID}`,
        ce_subject: 'anime-1',
        ce_time: '2026-11-24T10:00:00.000Z',
        'content-type': 'application/json',
        'esdb-record-stream-id': 'anime-1',
        'esdb-record-stream-revision': '7',
        'esdb-record-log-position': '9223372036854775808',
      },
    });
  });

  it('continues a trace from the metadata', () => {
    const traced = { ...recorded, metadata: json({ traceparent: TRACEPARENT }) };
    expect(toRecord(traced, source).headers['traceparent']).to.equal(TRACEPARENT);
  });

  for (const [name, metadata] of [
    ['is no text', json({ traceparent: 1 })],
    ['is no trace', json({ traceparent: 'x\r\nevil: 1' })],
    ['stands in a value', json({ note: '"traceparent"' })],
    ['stands in broken JSON', utf8.encode('{"traceparent":')],
  ] as const) {
    it(`has no trace where it ${name}`, () => {
      expect(toRecord({ ...recorded, metadata }, source).headers).not.to.have.property(
        'traceparent',
      );
    });
  }

  it('reads back what it wrote, as the log itself is read', () => {
    fc.assert(
      fc.property(histories(), (history) => {
        const { store } = logOf(history);
        for (const event of store.log) {
          const direct = fromRecorded(event, LOG_ID);
          const wrapped = readRecord(toRecord(event, source));
          const isMalformed = direct.kind === 'event' && direct.event.decoded.kind === 'malformed';
          if (isMalformed) expect(wrapped.kind).to.equal('unreadable');
          else expect(wrapped).to.deep.equal(direct);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('reads a record of the EventStoreDB connector', () => {
    const reading = readRecord({
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
    expect(reading).to.deep.include({ kind: 'event' });
    expect(reading).to.have.nested.property('event.logId', null);
    expect(reading).to.have.nested.property('event.revision', 7);
  });

  const record = toRecord(recorded, source);
  const without = (name: string) => ({
    ...record,
    headers: Object.fromEntries(Object.entries(record.headers).filter(([key]) => key !== name)),
  });
  const of = (value: unknown) => ({ ...record, value: json(value) });
  const place = { stream: 'anime-1', animeId: 1, revision: 7 };

  for (const [name, unreadable, reason] of [
    ['a marker', toMarker(record), 'too-large'],
    ['no value', { ...record, value: null }, 'the record has no value'],
    ['no id', without('ce_id'), 'the header ce_id is missing'],
    ['no type', without('ce_type'), 'the header ce_type is missing'],
    ['an array', of([]), 'data is not a JSON object'],
    [
      'wrong types',
      of({ ...encode(events.rating), userId: { $gt: '' } }),
      'userId is not a user id',
    ],
    [
      'another anime',
      of({ ...encode(events.rating), animeId: 2 }),
      'animeId is not that of the stream',
    ],
    [
      'a polluted prototype',
      { ...record, value: utf8.encode('{"__proto__":{"animeId":1},"schemaVersion":2}') },
      'animeId is not an anime id',
    ],
  ] as const) {
    it(`reports why ${name} cannot be read, and where it belongs`, () => {
      expect(readRecord(unreadable)).to.deep.equal({ kind: 'unreadable', reason, ...place });
    });
  }

  it('reports a record without a revision', () => {
    for (const headers of [
      without('esdb-record-stream-revision').headers,
      { ...record.headers, 'esdb-record-stream-revision': '-1' },
      { ...record.headers, 'esdb-record-stream-revision': '1e3' },
      { ...record.headers, 'esdb-record-stream-revision': '9007199254740993' },
    ]) {
      expect(readRecord({ ...record, headers })).to.deep.include({
        reason: 'the header esdb-record-stream-revision is missing',
        revision: null,
      });
    }
  });

  it('reports a stream that is not of an anime', () => {
    expect(readRecord({ key: 'anime-007', value: null, headers: {} })).to.deep.equal({
      kind: 'unreadable',
      reason: 'the stream is not that of an anime',
      stream: 'anime-007',
      animeId: null,
      revision: null,
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
          expect(readRecord({ key, value, headers: all }).kind).to.be.oneOf([
            'event',
            'unreadable',
          ]);
        },
      ),
    );
  });
});
