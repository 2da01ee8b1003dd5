import { expect } from 'chai';
import type { RecordedEvent } from '../../src/ports/event-store.js';
import { asOriginal, withOriginalTime } from '../../src/wire/original-time.js';

const RECORDED = '2020-02-29T23:59:59.123Z';

const withMetadata = (metadata: string | Uint8Array): RecordedEvent => ({
  stream: 's',
  revision: 0n,
  id: 'x',
  type: 'T',
  data: Buffer.from('{}'),
  metadata: Buffer.from(metadata),
  isJson: true,
  position: { commit: 1n, prepare: 1n },
  recordedAt: Date.parse(RECORDED),
});

const latin1 = (text: string) => Buffer.from(text, 'latin1');
const copied = (metadata: string | Uint8Array) => withOriginalTime(withMetadata(metadata));
const metadataOf = (event: { readonly metadata: unknown }) =>
  Buffer.from(event.metadata as Uint8Array).toString('latin1');
const original = (metadata: string | Uint8Array) =>
  asOriginal({ ...withMetadata(''), ...copied(metadata), recordedAt: 1 });

describe('the original time of a copied event', () => {
  for (const [metadata, inCopy] of [
    ['{ "$correlationId": "c" }', `{ "$correlationId": "c" ,"originallyRecordedAt":"${RECORDED}"}`],
    ['{"a":{}}', `{"a":{},"originallyRecordedAt":"${RECORDED}"}`],
    ['{}', `{"originallyRecordedAt":"${RECORDED}"}`],
    ['{ }', `{ "originallyRecordedAt":"${RECORDED}"}`],
    ['{ \n }', `{ \n "originallyRecordedAt":"${RECORDED}"}`],
  ] as const) {
    it(`is the last member of metadata that are an object: ${JSON.stringify(metadata)}`, () => {
      expect(metadataOf(copied(metadata))).to.equal(inCopy);
      expect(original(metadata)).to.deep.equal(withMetadata(metadata));
    });
  }

  for (const [what, metadata] of [
    ['nothing', ''],
    ['an array', '[]'],
    ['a text', '"{}"'],
    ['half an object', '{"a":1'],
    ['no JSON between braces', '{"a":}'],
    ['an object behind a blank', ' {}'],
    ['an object before a line break', '{"a":1}\n'],
    ['an object that is not UTF-8', latin1('{"a":"\xff"}')],
    ['an object behind a byte order mark', '\ufeff{"a":1}'],
  ] as const) {
    it(`stands beside other metadata as Base64: ${what}`, () => {
      const base64 = Buffer.from(metadata).toString('base64');
      expect(metadataOf(copied(metadata))).to.equal(
        `{"originalMetadataBase64":"${base64}","originallyRecordedAt":"${RECORDED}"}`,
      );
      expect(original(metadata)).to.deep.equal(withMetadata(metadata));
    });
  }

  it('leaves a member with the name of the other form, where more follows', () => {
    const metadata = '{"originalMetadataBase64":"eA==","a":1}';
    expect(original(metadata)).to.deep.equal(withMetadata(metadata));
  });

  for (const metadata of [
    '{}',
    '{"originallyRecordedAt":"2020-13-29T23:59:59.123Z"}',
    '{"originallyRecordedAt":"2020-02-29"}',
    `{"originallyRecordedAt":"${RECORDED}","a":1}`,
    `{"a":{"originallyRecordedAt":"${RECORDED}"}}`,
    `["originallyRecordedAt":"${RECORDED}"}`,
    `{"a":1,"originallyRecordedAt":"${RECORDED}"} `,
    `{"a":{"originallyRecordedAt":"${RECORDED}"},"b":2}`,
  ]) {
    it(`is none in metadata that are not those of a copy: ${metadata}`, () => {
      const event = withMetadata(metadata);
      expect(asOriginal(event)).to.equal(event);
    });
  }
});
