import protobuf, { type BufferReader } from 'protobufjs/minimal.js';
import type { Position } from '../../ports/event-store.js';

/** Reads a message field by field. A field that `read` leaves alone is skipped. */
export const eachField = (
  message: Uint8Array,
  read: (field: number, reader: BufferReader) => void,
): void => {
  const reader = new protobuf.BufferReader(message);
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    const start = reader.pos;
    read(tag >>> 3, reader);
    if (reader.pos === start) reader.skipType(tag & 7);
  }
};

/** Exact for all 64 bits. */
export const uint64 = (reader: BufferReader): bigint => {
  const { low, high } = reader.uint64();
  const lowBits = BigInt(low >>> 0);
  return high === 0 ? lowBits : (BigInt(high >>> 0) << 32n) | lowBits;
};

/** A message of two 64-bit numbers, in fields 1 and 2. */
const pairIn = (message: Uint8Array): readonly [bigint, bigint] => {
  let first = 0n;
  let second = 0n;
  eachField(message, (field, reader) => {
    if (field === 1) first = uint64(reader);
    if (field === 2) second = uint64(reader);
  });
  return [first, second];
};

export const positionIn = (message: Uint8Array): Position => {
  const [commit, prepare] = pairIn(message);
  return { commit, prepare };
};

/** A `UUID` as text. A server may send one as two halves, even if it was sent as text. */
export const uuidIn = (message: Uint8Array): string => {
  let text = '';
  eachField(message, (field, reader) => {
    if (field === 1) text = halvesIn(reader.bytes());
    if (field === 2) text = reader.string();
  });
  return text;
};

const halvesIn = (message: Uint8Array): string => {
  const hex = pairIn(message)
    .map((half) => half.toString(16).padStart(16, '0'))
    .join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
};
