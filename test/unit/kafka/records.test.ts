import { expect } from 'chai';
import {
  partitionerFor,
  receivedRecord,
  toMessage,
} from '../../../src/adapters/kafka/record-codec.js';

const bytes = (text: string) => Buffer.from(text);

describe('records of Kafka', () => {
  it('have the partition that the Java producer chooses', () => {
    // From org.apache.kafka.common.utils.Utils.murmur2, made positive, modulo 12.
    const partitionOf = partitionerFor(12);
    expect(['21', 'foobar', 'a-little-bit-long-string'].map(partitionOf)).to.deep.equal(
      [-973_932_308, -790_332_482, -985_981_536].map((hash) => (hash & 0x7fffffff) % 12),
    );
  });

  it('carry their partition, whatever the topic has by now', () => {
    const value = new Uint8Array([9, 1, 2, 9]).subarray(1, 3);
    const message = toMessage({ key: 'anime-1', value, headers: { a: 'b' } }, () => 7);
    expect(message.partition).to.equal(7);
    expect(message.value).to.deep.equal(Buffer.from([1, 2]));
    expect(message.headers).to.deep.equal({ a: 'b' });
    expect(toMessage({ key: 'k', value: null, headers: {} }, () => 0).value).to.equal(null);
  });

  it('are read without a key, without a header value, and with any value', () => {
    // What kafkajs makes of headers that are named like what every object inherits.
    const headers: Record<string, Buffer | (Buffer | string)[]> = {
      constructor: [Object as unknown as string, bytes('x')],
      twice: [bytes('first'), bytes('second')],
    };
    Object.defineProperty(headers, '__proto__', {
      value: [Object.prototype, bytes('y')],
      enumerable: true,
    });
    const record = receivedRecord(3, {
      key: null,
      value: null,
      offset: '9007199254740993',
      headers,
    });
    expect(record.key).to.equal('');
    expect(record.offset).to.equal(9_007_199_254_740_993n);
    expect(Object.getPrototypeOf(record.headers)).to.equal(Object.prototype);
    expect(Object.entries(record.headers)).to.deep.equal([
      ['constructor', 'x'],
      ['twice', 'first'],
      ['__proto__', 'y'],
    ]);
  });

  it('are read with their key and value, where they have no headers', () => {
    const value = bytes('value');
    expect(receivedRecord(3, { key: bytes('anime-1'), value, offset: '7' })).to.deep.equal({
      key: 'anime-1',
      value,
      headers: {},
      partition: 3,
      offset: 7n,
    });
  });

  it('have no text where the content of a header is none', () => {
    const headers = { none: undefined, empty: [], text: 'x', bytes: bytes('y') };
    expect(
      receivedRecord(3, { key: null, value: null, offset: '7', headers }).headers,
    ).to.deep.equal({ none: '', empty: '', text: 'x', bytes: 'y' });
  });

  it('of one key have one partition, whatever the other keys', () => {
    const partitionOf = partitionerFor(12);
    const keys = ['21', 'foobar', 'anime-1', 'foobar', '21', 'anime-1'];
    expect(keys.map(partitionOf)).to.deep.equal(keys.map(partitionerFor(12)));
    const [first, second, third] = keys.map(partitionOf);
    expect(keys.map(partitionOf)).to.deep.equal([first, second, third, second, first, third]);
  });
});
