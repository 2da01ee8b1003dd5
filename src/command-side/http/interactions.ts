import type { InteractionCommand } from '../../domain/commands.js';
import { keptRating } from '../../domain/rules.js';
import { utcOf } from '../../domain/times.js';
import type { Success } from './responses.js';
import type { InteractionBodies, InteractionKind } from './validation.js';

/** The response to each kind of interaction. */
export const RECORDED: Readonly<Record<InteractionKind, Success>> = {
  click: { message: 'Click recorded.', status: () => 201 },
  view: { message: 'View recorded.', status: () => 201 },
  rating: { message: 'Rating recorded.', status: () => 201 },
};

type ToCommand<Kind extends InteractionKind> = (
  body: InteractionBodies[Kind],
  at: string,
) => InteractionCommand;

const TO_COMMAND: { readonly [Kind in InteractionKind]: ToCommand<Kind> } = {
  click: (body, at) => ({
    type: 'RegisterClick',
    animeId: body.anime_id,
    userId: body.user_id,
    at,
    ...occurrence(body),
  }),
  view: (body, at) => ({
    type: 'RegisterView',
    animeId: body.anime_id,
    userId: body.user_id,
    durationSeconds: body.duration_seconds,
    at,
    ...occurrence(body),
  }),
  rating: (body, at) => ({
    type: 'GiveRating',
    animeId: body.anime_id,
    userId: body.user_id,
    // Rounded here, so that 8.333 and 8.33 are the same body for an Idempotency-Key.
    rating: keptRating(body.rating),
    at,
    ...occurrence(body),
  }),
};

/** In UTC, so that the same time at another offset is the same body, too. */
const occurrence = ({ occurred_at }: InteractionBodies[InteractionKind]) => {
  const occurredAt = utcOf(occurred_at);
  return occurredAt === undefined ? {} : { occurredAt };
};

/** The command of a valid body that was received `at` a time. */
export const toCommand = <Kind extends InteractionKind>(
  kind: Kind,
  body: InteractionBodies[Kind],
  at: string,
): InteractionCommand => TO_COMMAND[kind](body, at);
