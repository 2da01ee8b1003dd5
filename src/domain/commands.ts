import type { DetailsGiven } from './details.js';
import type { AnimeId, UserId } from './ids.js';

/** What every command carries: its anime and the moment it was received (ISO 8601, UTC). */
interface Intent {
  readonly animeId: AnimeId;
  readonly at: string;
}

/** Puts an anime into the catalogue, back into it, or revises its details. */
export interface ListAnime extends Intent {
  readonly type: 'ListAnime';
  readonly details: DetailsGiven;
  /** False: a delisted anime stays so, and the command is refused. Default: it is listed again. */
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
