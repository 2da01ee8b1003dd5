import { expect } from 'chai';
import fc from 'fast-check';
import type { RecordedEvent } from '../../src/ports/event-store.js';
import {
  ExportedLineError,
  fromExportedLine,
  toExportedLine,
} from '../../src/wire/exported-event.js';
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

  const ID = '8e0e1a8e-0f3a-4d59-9b8e-55aa6f4e2f11';
  const exported: RecordedEvent = {
    stream: 's',
    revision: 0n,
    id: ID,
    type: 'T',
    data: Buffer.from('{}'),
    metadata: Buffer.from('{}'),
    isJson: true,
    position: { commit: 1n, prepare: 1n },
    recordedAt: Date.parse('2026-01-02T03:04:05.678Z'),
  };
  const HEAD =
    `{"position":"1","stream":"s","revision":"0","id":"${ID}",` +
    '"type":"T","recordedAt":"2026-01-02T03:04:05.678Z"';

  for (const [what, data, members] of [
    ['JSON on one line as it is', '{"n":1.0}', '"data":{"n":1.0}'],
    ['JSON with a layout twice', '{\r\n\r\n}', '"data":{ },"dataBase64":"ew0KDQp9"'],
    ['what is no JSON as Base64', '{', '"dataBase64":"ew=="'],
    ['no UTF-8 as Base64', Buffer.from('"\xff"', 'latin1'), '"dataBase64":"Iv8i"'],
    ['a byte order mark as Base64', '\ufeff1', '"dataBase64":"77u/MQ=="'],
  ] as const) {
    it(`holds ${what}`, () => {
      const event = { ...exported, data: Buffer.from(data) };
      const line = toExportedLine(event);
      expect(line).to.equal(`${HEAD},${members},"metadata":{}}\n`);
      expect(plain(fromExportedLine(line))).to.deep.equal(plain(event));
    });
  }

  it('says of bytes alone that they are not JSON', () => {
    const line = toExportedLine({ ...exported, isJson: false });
    expect(line).to.equal(`${HEAD},"isJson":false,"data":{},"metadata":{}}\n`);
  });

  it('keeps an object in an object, with commas, colons and brackets in texts', () => {
    const data = '{"a":[1,{"b":",:]}\\"{"},[]],"stream":"other","c":{"id":"d"}}';
    const event = fromExportedLine(line({ data: 0 }).replace('"data":0', `"data":${data}`));
    expect(Buffer.from(event.data).toString()).to.equal(data);
    expect(plain(event)).to.deep.equal(plain({ ...exported, data: Buffer.from(data) }));
  });

  it('has numbers of up to 19 digits', () => {
    const event = fromExportedLine(line({ position: '9223372036854775807' }));
    expect(event.position).to.deep.equal({ commit: 2n ** 63n - 1n, prepare: 2n ** 63n - 1n });
  });

  const line = (fields: object) =>
    JSON.stringify({
      position: '1',
      stream: 's',
      revision: '0',
      id: ID,
      type: 'T',
      recordedAt: '2026-01-02T03:04:05.678Z',
      data: {},
      metadata: {},
      ...fields,
    });

  for (const [why, text] of [
    ['it is no JSON object', '{"stream":'],
    ['it is no JSON object', '[]'],
    ['it has no recordedAt', '{}'],
    ['it has no stream', line({ stream: undefined })],
    ['it has no stream', line({ stream: '' })],
    ['it has no type', line({ type: 7 })],
    ['it has no position', line({ position: 1 })],
    ['its revision is no whole number', line({ revision: '-1' })],
    ['its revision is no whole number', line({ revision: '1x' })],
    ['its revision is no whole number', line({ revision: '0x1' })],
    ['its position is no whole number', line({ position: '12345678901234567890' })],
    ['its id is no UUID', line({ id: 'x' })],
    ['its id is no UUID', line({ id: `x${ID}` })],
    ['its id is no UUID', line({ id: `${ID}x` })],
    ['its recordedAt is no time', line({ recordedAt: 'yesterday' })],
    ['it has no data', line({ data: undefined })],
    ['it has no metadata', line({ metadata: undefined })],
  ] as const) {
    it(`is refused with a reason: ${why}, as ${text}`, () => {
      expect(() => fromExportedLine(text)).to.throw(ExportedLineError, why);
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
});
