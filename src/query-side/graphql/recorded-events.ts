import { animeIdOf } from '../../domain/stream-name.js';
import type { RecordedEvent } from '../../ports/event-store.js';

const SHOWN_STREAM =
  /^(?:(?:anime|ratings|snapshot-anime|bridge-checkpoint)-|(?:log-identity|users-forgotten)$)/;

/**
 * Only the streams of this service: a server may hold those of others, and its own (`$...`) hold
 * users and access rights.
 */
export const isShownStream = (stream: string): boolean => SHOWN_STREAM.test(stream);

/** Without links and other system events. */
export const isShownEvent = ({ stream, type }: RecordedEvent): boolean =>
  isShownStream(stream) && !type.startsWith('$');

/** An event in the shape of the schema. Its contents are decoded only if a query selects them. */
export const toRecordedEvent = (event: RecordedEvent) => ({
  id: `RecordedEvent:${event.revision}@${event.stream}`,
  eventId: event.id,
  stream: event.stream,
  type: event.type,
  revision: event.revision.toString(),
  position: event.position.commit.toString(),
  time: new Date(event.recordedAt).toISOString(),
  animeId: animeIdOf(event.stream) ?? null,
  data: () => jsonValueOf(event.data),
  dataText: () => textIn(event.data),
  dataBase64: () => buffer(event.data).toString('base64'),
  metadata: () => jsonValueOf(event.metadata),
});

const buffer = (bytes: Uint8Array): Buffer =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

const losslessUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Null unless the bytes are valid UTF-8. */
const textIn = (bytes: Uint8Array): string | null => {
  try {
    return losslessUtf8.decode(bytes);
  } catch {
    return null;
  }
};

/** A response is written recursively, so its nesting must be limited. */
const MAX_NESTING = 64;

/** Null if the bytes are no JSON: other clients may have stored anything. */
const jsonValueOf = (bytes: Uint8Array): unknown => {
  const text = textIn(bytes);
  if (text === null) return null;
  try {
    const value: unknown = JSON.parse(text);
    return isShownJson(value) ? value : null;
  } catch {
    return null;
  }
};

/** Whether a value can be written as JSON in a response. */
export const isShownJson = (value: unknown): boolean => isNestedWithin(MAX_NESTING, value);

const isNestedWithin = (levels: number, value: unknown): boolean => {
  if (typeof value !== 'object' || value === null) return true;
  return levels > 0 && Object.values(value).every((one) => isNestedWithin(levels - 1, one));
};
