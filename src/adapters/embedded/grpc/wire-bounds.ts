/** The messages inside a message, by field number; all other fields are plain values. */
export interface Shape {
  readonly [field: number]: Shape;
}

/**
 * Checks that every length of a protobuf message stays within what was sent. google-protobuf 3.21
 * believes a text's length: a request of a hundred bytes could keep it busy for minutes and fill
 * the memory with a text of gigabytes. It does check the kinds of fields, which is left to it.
 */
export const assertBounds = (bytes: Uint8Array, shape: Shape): void =>
  walk(bytes, 0, bytes.length, shape);

const malformed = () => new RangeError('The message is malformed.');

const walk = (bytes: Uint8Array, start: number, end: number, shape: Shape): void => {
  let at = start;
  while (at < end) {
    const tag = varint(bytes, at, end);
    at = afterVarint(bytes, at, end);
    switch (tag % 8) {
      case 0:
        at = afterVarint(bytes, at, end);
        break;
      case 1:
        at += 8;
        break;
      case 2: {
        const length = varint(bytes, at, end);
        at = afterVarint(bytes, at, end);
        const inner = shape[Math.floor(tag / 8)];
        if (length > end - at) throw malformed();
        if (inner !== undefined) walk(bytes, at, at + length, inner);
        at += length;
        break;
      }
      case 5:
        at += 4;
        break;
      // Groups, which this protocol has none of, or nothing at all.
      default:
        throw malformed();
    }
    if (at > end) throw malformed();
  }
};

const MAX_VARINT_BYTES = 10;

/** Exact as far as it matters: beyond 2^53 any length is too long. */
const varint = (bytes: Uint8Array, start: number, end: number): number => {
  let value = 0;
  let scale = 1;
  for (let at = start; at < end && at < start + MAX_VARINT_BYTES; at += 1) {
    const byte = bytes[at] ?? 0;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return value;
    scale *= 0x80;
  }
  throw malformed();
};

const afterVarint = (bytes: Uint8Array, start: number, end: number): number => {
  for (let at = start; at < end && at < start + MAX_VARINT_BYTES; at += 1) {
    if ((bytes[at] ?? 0) < 0x80) return at + 1;
  }
  throw malformed();
};
