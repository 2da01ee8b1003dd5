import type { AnimeEvent } from '../../domain/events.js';

/** A fact at its place in the stream, and the computation that it is folded for. */
export interface Placed<Event extends AnimeEvent = AnimeEvent> {
  readonly revision: number;
  readonly id: string;
  readonly generation: number;
  readonly event: Event;
}

/**
 * A document while a run of events is folded into it: it belongs to that run alone, so that ten
 * events on one document cost one copy.
 */
export type Draft<Document> = { -readonly [Key in keyof Document]: Document[Key] };
