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
  /** The identity of the log it comes from; null where the record does not say. */
  readonly logId: string | null;
  /** Milliseconds since the epoch, by the event store's clock. */
  readonly recordedAt: number;
  readonly decoded: Decoded;
}

/** What cannot be taken as an event, and as much as could be read of where it belongs. */
export interface Unreadable {
  readonly kind: 'unreadable';
  readonly reason: string;
  readonly stream: string | null;
  readonly animeId: AnimeId | null;
  readonly revision: number | null;
}

export type Reading = { readonly kind: 'event'; readonly event: StreamEvent } | Unreadable;

/** Reads an event as the event store gave it. Never throws. */
export const fromRecorded = (recorded: RecordedEvent, logId: string): Reading => {
  const { stream, id, position, recordedAt } = recorded;
  const revision = Number(recorded.revision);
  const animeId = animeIdOf(stream);
  if (animeId === undefined) return notOfAnAnime(stream, revision);
  const decoded = decodeOf(animeId, recorded.type, recorded.data);
  const event = { stream, animeId, revision, id, position, logId, recordedAt, decoded };
  return { kind: 'event', event };
};

export const notOfAnAnime = (stream: string, revision: number | null): Unreadable => ({
  kind: 'unreadable',
  reason: 'the stream is not that of an anime',
  stream,
  animeId: null,
  revision,
});

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
