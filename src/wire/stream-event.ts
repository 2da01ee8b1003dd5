import type { AnimeId } from '../domain/ids.js';
import { animeIdOf } from '../domain/stream-name.js';
import type { Position, RecordedEvent } from '../ports/event-store.js';
import { decode } from './codec.js';
import type { Decoded } from './upcast.js';

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
