import protobuf, { type BufferReader, type BufferWriter } from 'protobufjs/minimal.js';

/** How a field is encoded. */
const VARINT = 0;
const BYTES = 2;
const GROUP = 3;

/**
 * Visits the fields of a message. Throws if one does not end within it, and for what is written longer
 * than it may be: the reader and google-protobuf do not agree where that ends.
 */
export const eachField = (message: Buffer, visit: (field: Field) => void): void => {
  const reader = new protobuf.BufferReader(message);
  while (reader.pos < reader.len) {
    const field = new Field(reader);
    visit(field);
    field.skip();
  }
};

const MAX_VARINT_BYTES = 10;
const MAX_UINT32_BYTES = 5;

/** Its value may be read once, and throws if it is of another type. */
class Field {
  readonly number: number;
  readonly #reader: BufferReader;
  readonly #type: number;
  readonly #start: number;

  constructor(reader: BufferReader) {
    const before = reader.pos;
    const tag = reader.uint32();
    this.number = tag >>> 3;
    this.#reader = reader;
    this.#type = tag & 7;
    this.#start = reader.pos;
    // This protocol has no groups.
    if (this.#type === GROUP || reader.pos - before > MAX_UINT32_BYTES) throw malformed();
  }

  get isBytes(): boolean {
    return this.#type === BYTES;
  }

  /** Of bytes, a text or a message: a view of what was received. */
  bytes(): Buffer {
    this.#expect(BYTES);
    // A view of a Buffer is a Buffer; protobufjs does not know Node's type.
    const value = this.#reader.bytes() as Buffer;
    if (this.#reader.pos - this.#start - value.length > MAX_UINT32_BYTES) throw malformed();
    return value;
  }

  text(): string {
    return this.bytes().toString('utf8');
  }

  uint64(): bigint {
    this.#expect(VARINT);
    // Only skipping notices that the message ends within a number.
    this.skip();
    this.#reader.pos = this.#start;
    const { low, high } = this.#reader.uint64();
    const lowBits = BigInt(low >>> 0);
    return high === 0 ? lowBits : (BigInt(high >>> 0) << 32n) | lowBits;
  }

  /** Does nothing if the value has been read. */
  skip(): void {
    const reader = this.#reader;
    if (reader.pos !== this.#start) return;
    if (this.isBytes) this.bytes();
    else reader.skipType(this.#type);
    if (this.#type === VARINT && reader.pos - this.#start > MAX_VARINT_BYTES) throw malformed();
  }

  #expect(type: number): void {
    if (this.#type !== type) throw malformed();
  }
}

const malformed = () => new RangeError('The message is malformed.');

/** The nested messages of a message, by field number; all other fields are plain values. */
export interface Shape {
  readonly [field: number]: Shape;
}

/**
 * Checks that every length in a protobuf message stays within the bytes received. google-protobuf
 * 3.21 trusts the length of a text: a request of a hundred bytes could keep it busy for minutes and
 * allocate gigabytes. It does check the types of fields, so these are not checked here.
 */
export const assertBounds = (message: Buffer, shape: Shape): void =>
  eachField(message, (field) => {
    const inner = field.isBytes ? shape[field.number] : undefined;
    if (inner !== undefined) assertBounds(field.bytes(), inner);
  });

/** Writes the tag of a field that holds bytes, a text or a message. */
export const bytesTag = (writer: BufferWriter, field: number) => writer.uint32(field * 8 + BYTES);

/** Exact for all 64 bits. */
export const uint64Field = (writer: BufferWriter, field: number, value: bigint) =>
  writer
    .uint32(field * 8 + VARINT)
    .uint64(value <= Number.MAX_SAFE_INTEGER ? Number(value) : value.toString());
