import type { DetailsGiven } from './details.js';
import type { AnimeId, UserId } from './ids.js';

/** In every command: its anime, and when it was received (ISO 8601, UTC). */
interface Intent {
  readonly animeId: AnimeId;
  readonly at: string;
}

/** Lists an anime for the first time or again, or revises its details. */
export interface ListAnime extends Intent {
  readonly type: 'ListAnime';
  readonly details: DetailsGiven;
  /** Whether a delisted anime is listed again (the default) or the command is refused. */
  readonly relist?: boolean;
}

interface DelistAnime extends Intent {
  readonly type: 'DelistAnime';
}

/** What a user did; a client that was offline tells it later. */
interface InteractionIntent extends Intent {
  readonly userId: UserId;
  /** When it happened (ISO 8601, UTC). Default: when it was received. */
  readonly occurredAt?: string;
}

interface RegisterClick extends InteractionIntent {
  readonly type: 'RegisterClick';
}

interface RegisterView extends InteractionIntent {
  readonly type: 'RegisterView';
  readonly durationSeconds: number;
}

interface GiveRating extends InteractionIntent {
  readonly type: 'GiveRating';
  readonly rating: number;
}

export type InteractionCommand = RegisterClick | RegisterView | GiveRating;

export type AnimeCommand = ListAnime | DelistAnime | InteractionCommand;
