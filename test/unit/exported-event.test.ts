import { expect } from 'chai';
import fc from 'fast-check';
import type { RecordedEvent } from '../../src/ports/event-store.js';
import { fromExportedLine, toExportedLine } from '../../src/wire/exported-event.js';
import { asOriginal, withOriginalTime } from '../../src/wire/original-time.js';

const jsonBytes = fc.json().map((text) => new Uint8Array(Buffer.from(text)));
const laidOut = fc
  .dictionary(fc.string(), fc.jsonValue())
  .map((value) => new Uint8Array(Buffer.from(JSON.stringify(value, null, 2))));
const stored = fc.oneof(jsonBytes, laidOut, fc.uint8Array({ maxLength: 40 }));

const recordedEvents: fc.Arbitrary<RecordedEvent> = fc.record({
  stream: fc.string({ minLength: 1, unit: 'grapheme' }),
  revision: fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
  id: fc.uuid(),
  type: fc.string({ minLength: 1, unit: 'grapheme' }),
  data: stored,
  metadata: stored,
  isJson: fc.boolean(),
  position: fc
    .bigInt({ min: 0n, max: 2n ** 63n - 1n })
    .map((commit) => ({ commit, prepare: commit })),
  recordedAt: fc.integer({ min: 0, max: 4_000_000_000_000 }),
});

const plain = (event: RecordedEvent) => ({
  ...event,
  data: Buffer.from(event.data).toString('latin1'),
  metadata: Buffer.from(event.metadata).toString('latin1'),
});

describe('an exported event', () => {
  it('is one line, from which every byte of the event is read again', () => {
    fc.assert(
      fc.property(recordedEvents, (event) => {
        const line = toExportedLine(event);
        expect(line.indexOf('\n')).to.equal(line.length - 1);
        expect(plain(fromExportedLine(line.trimEnd()))).to.deep.equal(plain(event));
      }),
    );
  });

  it('keeps numbers that JavaScript would round', () => {
    const data = '{"n":12345678901234567890,"x":1.0}';
    const event = fromExportedLine(
      `{ "metadata" : {} , "data" : ${data} , "position":"7","stream":"s","revision":"0",` +
        '"id":"8e0e1a8e-0f3a-4d59-9b8e-55aa6f4e2f11","type":"T","recordedAt":"2026-01-02T03:04:05.678Z"}',
    );
    expect(Buffer.from(event.data).toString()).to.equal(data);
    expect(event).to.include({ stream: 's', revision: 0n, isJson: true });
  });

  const line = (fields: object) =>
    JSON.stringify({
      position: '1',
      stream: 's',
      revision: '0',
      id: '8e0e1a8e-0f3a-4d59-9b8e-55aa6f4e2f11',
      type: 'T',
      recordedAt: '2026-01-02T03:04:05.678Z',
      data: {},
      metadata: {},
      ...fields,
    });

  for (const [why, text] of [
    ['it is no JSON object', '{"stream":'],
    ['it is no JSON object', '[]'],
    ['it has no stream', line({ stream: undefined })],
    ['its revision is no whole number', line({ revision: '-1' })],
    ['its id is no UUID', line({ id: 'x' })],
    ['its recordedAt is no time', line({ recordedAt: 'yesterday' })],
    ['it has no data', line({ data: undefined })],
  ] as const) {
    it(`is refused with a reason: ${why}, as ${text.slice(0, 12)}`, () => {
      expect(() => fromExportedLine(text)).to.throw(why);
    });
  }
});

describe('the original time of an event', () => {
  it('goes into the metadata of a copy, from which the original is had again byte by byte', () => {
    fc.assert(
      fc.property(recordedEvents, (event) => {
        const copy = { ...event, ...withOriginalTime(event), recordedAt: 1 };
        expect(plain(asOriginal(copy))).to.deep.equal(plain(event));
      }),
    );
  });

  it('is that of the first log where a copy is copied', () => {
    fc.assert(
      fc.property(recordedEvents, (event) => {
        const copy = asOriginal({ ...event, ...withOriginalTime(event), recordedAt: 1 });
        const second = { ...event, ...withOriginalTime(copy), recordedAt: 2 };
        expect(plain(asOriginal(second))).to.deep.equal(plain(event));
      }),
    );
  });

  it('is written as a member of metadata that are an object, and leaves the others as they are', () => {
    const copy = withOriginalTime({
      stream: 's',
      revision: 0n,
      id: 'x',
      type: 'T',
      data: Buffer.from('{}'),
      metadata: Buffer.from('{ "$correlationId": "c" }'),
      isJson: true,
      position: { commit: 1n, prepare: 1n },
      recordedAt: Date.parse('2020-02-29T23:59:59.123Z'),
    });
    expect(Buffer.from(copy.metadata).toString()).to.equal(
      '{ "$correlationId": "c" ,"originallyRecordedAt":"2020-02-29T23:59:59.123Z"}',
    );
  });
});
