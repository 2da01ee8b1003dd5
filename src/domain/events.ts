import type { AnimeDetails } from './details.js';
import type { AnimeId, UserId } from './ids.js';

/** In every event: its anime, and when it happened (ISO 8601, UTC). */
interface Fact {
  readonly animeId: AnimeId;
  readonly occurredAt: string;
}

interface AnimeListed {
  readonly type: 'AnimeListed';
  readonly data: Fact & { readonly details: AnimeDetails };
}

interface AnimeDetailsRevised {
  readonly type: 'AnimeDetailsRevised';
  readonly data: Fact & { readonly details: AnimeDetails };
}

interface AnimeDelisted {
  readonly type: 'AnimeDelisted';
  readonly data: Fact;
}

export interface ClickRegistered {
  readonly type: 'ClickRegistered';
  readonly data: Fact & { readonly userId: UserId };
}

export interface ViewRegistered {
  readonly type: 'ViewRegistered';
  readonly data: Fact & { readonly userId: UserId; readonly durationSeconds: number };
}

export interface RatingGiven {
  readonly type: 'RatingGiven';
  readonly data: Fact & { readonly userId: UserId; readonly rating: number };
}

/** The type names are a contract: every log holds them. */
export type AnimeEvent =
  | AnimeListed
  | AnimeDetailsRevised
  | AnimeDelisted
  | ClickRegistered
  | ViewRegistered
  | RatingGiven;

export type AnimeEventType = AnimeEvent['type'];
