import type { AnimeEvent, AnimeEventType } from '../domain/events.js';
import { type AnimeId, animeIdOf } from '../domain/ids.js';
import type { Position, RecordedEvent } from '../ports/event-store.js';
import { type JsonObject, strictUtf8 } from '../ports/json.js';
import { type Decoded, EVENTS_IGNORED, SCHEMA_VERSIONS, upcast } from './upcast.js';

/** The data as it is stored: the event's own plus its schema version. */
export const encode = (event: AnimeEvent): JsonObject => ({
  schemaVersion: SCHEMA_VERSIONS[event.type],
  ...event.data,
});

const isKnownType = (type: string): type is AnimeEventType | typeof EVENTS_IGNORED =>
  Object.hasOwn(SCHEMA_VERSIONS, type) || type === EVENTS_IGNORED;

/** Reads stored data, whichever schema version it was written with. Never throws. */
export const decode = (type: string, data: Uint8Array): Decoded => {
  if (!isKnownType(type)) return { kind: 'unknown', type, isNewer: false };
  try {
    return upcast(type, JSON.parse(strictUtf8.decode(data)));
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'unreadable';
    return { kind: 'malformed', type, reason };
  }
};

/** An event of an anime's stream as the read side takes it, whichever way it came. */
export interface StreamEvent {
  readonly stream: string;
  readonly animeId: AnimeId;
  readonly revision: number;
  readonly id: string;
  readonly position: Position;
  /** The identity of the log it comes from; null where nothing says. */
  readonly logId: string | null;
  /** Milliseconds since the epoch, by the event store's clock. */
  readonly recordedAt: number;
  readonly decoded: Decoded;
}

export type Reading =
  | { readonly kind: 'event'; readonly event: StreamEvent }
  | { readonly kind: 'unreadable'; readonly reason: string };

/** Reads an event as the event store or the bus gave it. Never throws. */
export const fromRecorded = (recorded: RecordedEvent, logId: string | null): Reading => {
  const { stream, id, position, recordedAt } = recorded;
  const animeId = animeIdOf(stream);
  if (animeId === undefined) return { kind: 'unreadable', reason: NOT_OF_AN_ANIME };
  const revision = Number(recorded.revision);
  const decoded = decodeOf(animeId, recorded.type, recorded.data);
  const event = { stream, animeId, revision, id, position, logId, recordedAt, decoded };
  return { kind: 'event', event };
};

export const NOT_OF_AN_ANIME = 'the stream is not that of an anime';

/** An event that names another anime than its stream does belongs to neither. */
export const decodeOf = (animeId: AnimeId, type: string, data: Uint8Array): Decoded => {
  const decoded = decode(type, data);
  return animeIn(decoded) === animeId || animeIn(decoded) === null
    ? decoded
    : { kind: 'malformed', type, reason: 'animeId is not that of the stream' };
};

const animeIn = (decoded: Decoded): AnimeId | null => {
  if (decoded.kind === 'event') return decoded.event.data.animeId;
  return decoded.kind === 'ignored' ? decoded.ignored.animeId : null;
};
