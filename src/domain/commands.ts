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

interface RegisterClick extends Intent {
  readonly type: 'RegisterClick';
  readonly userId: UserId;
}

interface RegisterView extends Intent {
  readonly type: 'RegisterView';
  readonly userId: UserId;
  readonly durationSeconds: number;
}

interface GiveRating extends Intent {
  readonly type: 'GiveRating';
  readonly userId: UserId;
  readonly rating: number;
}

export type AnimeCommand = ListAnime | DelistAnime | RegisterClick | RegisterView | GiveRating;
