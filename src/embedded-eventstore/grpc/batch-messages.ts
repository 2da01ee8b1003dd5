import { eachField } from './protobuf.js';

/** `BatchAppendReq`. Its parts are views of the bytes received. */
export interface BatchRequest {
  /** A `UUID`, which the response repeats as it is. */
  correlationId: Buffer | undefined;
  options: BatchOptions | undefined;
  readonly proposed: ProposedMessage[];
  isFinal: boolean;
}

/** `BatchAppendReq.Options`. */
export interface BatchOptions {
  streamName: Uint8Array | undefined;
  expected: bigint | 'no_stream' | 'any' | 'stream_exists' | undefined;
  /** Milliseconds since the epoch on the client's clock. */
  deadline: number | undefined;
}

/** `BatchAppendReq.ProposedMessage`. */
export interface ProposedMessage {
  /** A `UUID`. */
  id: Buffer | undefined;
  type: string;
  contentType: string;
  data: Uint8Array;
  metadata: Uint8Array;
}

const NOTHING = new Uint8Array();

/** Of a field that comes twice the last counts, as with google-protobuf. */
export const parseBatchRequest = (message: Buffer): BatchRequest => {
  const request: BatchRequest = {
    correlationId: undefined,
    options: undefined,
    proposed: [],
    isFinal: false,
  };
  eachField(message, (field) => {
    if (field.number === 1) request.correlationId = field.bytes();
    if (field.number === 2) request.options = optionsIn(field.bytes());
    if (field.number === 3) request.proposed.push(proposedIn(field.bytes()));
    if (field.number === 4) request.isFinal = field.uint64() !== 0n;
  });
  return request;
};

const optionsIn = (message: Buffer): BatchOptions => {
  const options: BatchOptions = { streamName: undefined, expected: undefined, deadline: undefined };
  eachField(message, (field) => {
    if (field.number === 1) options.streamName = nameIn(field.bytes());
    if (field.number === 2) options.expected = field.uint64();
    if (field.number === 6) options.deadline = timestampIn(field.bytes());
    const expected = EXPECTED[field.number];
    if (expected === undefined) return;
    field.bytes();
    options.expected = expected;
  });
  return options;
};

/** The fields of the expectations that are no revision. */
const EXPECTED: Readonly<Record<number, 'no_stream' | 'any' | 'stream_exists'>> = {
  3: 'no_stream',
  4: 'any',
  5: 'stream_exists',
};

/** The name in a `StreamIdentifier`. */
const nameIn = (message: Buffer): Uint8Array => {
  let name: Uint8Array = NOTHING;
  eachField(message, (field) => {
    if (field.number === 3) name = field.bytes();
  });
  return name;
};

/** A `Timestamp`, in milliseconds. */
const timestampIn = (message: Buffer): number => {
  let seconds = 0;
  let nanos = 0;
  eachField(message, (field) => {
    if (field.number === 1) seconds = Number(BigInt.asIntN(64, field.uint64()));
    if (field.number === 2) nanos = Number(BigInt.asIntN(64, field.uint64()));
  });
  return seconds * 1000 + nanos / 1e6;
};

const proposedIn = (message: Buffer): ProposedMessage => {
  const proposed: ProposedMessage = {
    id: undefined,
    type: '',
    contentType: '',
    data: NOTHING,
    metadata: NOTHING,
  };
  eachField(message, (field) => {
    if (field.number === 1) proposed.id = field.bytes();
    if (field.number === 2) addProperty(proposed, field.bytes());
    if (field.number === 3) proposed.metadata = field.bytes();
    if (field.number === 4) proposed.data = field.bytes();
  });
  return proposed;
};

/** One entry of the map that holds the type and the content type. */
const addProperty = (proposed: ProposedMessage, message: Buffer): void => {
  let key = '';
  let value = '';
  eachField(message, (field) => {
    if (field.number === 1) key = field.text();
    if (field.number === 2) value = field.text();
  });
  if (key === 'type') proposed.type = value;
  if (key === 'content-type') proposed.contentType = value;
};

/** A `UUID` as text, in the form that it was sent in, or of its two halves. */
export const uuidTextIn = (message: Buffer): string => {
  let text = '';
  eachField(message, (field) => {
    if (field.number === 1) text = halvesIn(field.bytes());
    if (field.number === 2) text = field.text();
  });
  return text;
};

const halvesIn = (message: Buffer): string => {
  const halves = ['', ''];
  eachField(message, (field) => {
    if (field.number > 2) return;
    halves[field.number - 1] = field.uint64().toString(16);
  });
  return halves.map((half) => half.padStart(16, '0')).join('');
};
