/** Why a well-formed command is refused. The edge maps every code to one HTTP status. */
export type RejectionCode =
  'ANIME_NOT_LISTED' | 'ANIME_DELISTED' | 'INVALID_RATING' | 'INVALID_DURATION';

export interface Rejection {
  readonly code: RejectionCode;
  /** A sentence for a person. */
  readonly reason: string;
}
