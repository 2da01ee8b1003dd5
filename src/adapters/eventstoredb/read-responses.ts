import type { Position, RecordedEvent } from '../../ports/event-store.js';
import { eachField, positionIn, uint64, uuidIn } from './fields.js';

/** What is used of `ReadResp`, which google-protobuf would take longer for than the projector. */
export interface ReadResponse {
  event?: RecordedEvent;
  checkpoint?: Position;
  hasCaughtUp?: true;
}

export const readResponse = (message: Buffer): ReadResponse => {
  const response: ReadResponse = {};
  eachField(message, (field, reader) => {
    if (field === 1) readEvent(response, reader.bytes());
    if (field === 3) response.checkpoint = positionIn(reader.bytes());
    if (field === 8) response.hasCaughtUp = true;
  });
  return response;
};

/** `ReadEvent`, which has no event if it is a link to one that is gone. */
const readEvent = (response: ReadResponse, message: Uint8Array): void =>
  eachField(message, (field, reader) => {
    if (field === 1) response.event = recordedEventIn(reader.bytes());
  });

const NOTHING = new Uint8Array();

/** Data and metadata are the stored bytes, unchanged. */
const recordedEventIn = (message: Uint8Array): RecordedEvent => {
  const position = { commit: 0n, prepare: 0n };
  const event = { stream: '', revision: 0n, id: '', data: NOTHING, metadata: NOTHING };
  const properties: Record<string, string> = {};
  eachField(message, (field, reader) => {
    if (field === 1) event.id = uuidIn(reader.bytes());
    if (field === 2) event.stream = streamNameIn(reader.bytes());
    if (field === 3) event.revision = uint64(reader);
    if (field === 4) position.prepare = uint64(reader);
    if (field === 5) position.commit = uint64(reader);
    if (field === 6) addProperty(properties, reader.bytes());
    if (field === 7) event.metadata = plainBytes(reader.bytes());
    if (field === 8) event.data = plainBytes(reader.bytes());
  });
  return {
    ...event,
    type: properties['type'] ?? '',
    isJson: properties['content-type'] === 'application/json',
    position,
    recordedAt: ticksToMs(properties['created']),
  };
};

/** The name in a `StreamIdentifier`. */
const streamNameIn = (message: Uint8Array): string => {
  let name = '';
  eachField(message, (field, reader) => {
    if (field === 3) name = reader.string();
  });
  return name;
};

/** One entry of the map that holds the type, the content type and when the event was written. */
const addProperty = (properties: Record<string, string>, message: Uint8Array): void => {
  let key = '';
  let value = '';
  eachField(message, (field, reader) => {
    if (field === 1) key = reader.string();
    if (field === 2) value = reader.string();
  });
  properties[key] = value;
};

const plainBytes = ({ buffer, byteOffset, byteLength }: Uint8Array): Uint8Array<ArrayBuffer> =>
  new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);

/** From ticks of 100 ns, as text because a number would not be exact. */
const ticksToMs = (ticks: string | undefined): number => Number(ticks?.slice(0, -4) ?? 0);
