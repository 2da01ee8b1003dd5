import type { ListAnime } from '../domain/commands.js';
import type { AnimeEventType } from '../domain/events.js';
import type { Rejection } from '../domain/decide.js';
import {
  OutcomeUnknownError,
  PortError,
  TooLargeError,
  UnavailableError,
} from '../ports/errors.js';
import type { ListTitle } from './catalog-import.js';
import type { ListingOutcome } from './import-report.js';

/** What a command handler answers, as far as an import looks at it. */
export type Handled =
  | { readonly kind: 'accepted' | 'replayed'; readonly type: AnimeEventType }
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'rejected'; readonly rejection: Rejection }
  | { readonly kind: 'precondition-failed' | 'key-reused' }
  | {
      readonly kind: Failure;
      /** What is wrong with the stream, and what an operator does about it. */
      readonly problem?: { readonly detail: string; readonly remedy: string };
    };

type Failure =
  | 'conflict'
  | 'overloaded'
  | 'unavailable'
  | 'outcome-unknown'
  | 'gone'
  | 'unreadable'
  | 'truncated'
  | 'access-denied'
  | 'refused-by-store'
  | 'too-large';

export interface ListingHandler {
  handle(command: ListAnime, options: { readonly correlationId: string }): Promise<Handled>;
}

/** Sends titles to a command handler. All events of the import carry one correlation id. */
export const listThrough =
  (handler: ListingHandler, correlationId: string): ListTitle =>
  async (command) =>
    outcomeOf(await handler.handle(command, { correlationId }), command);

const outcomeOf = (handled: Handled, { animeId }: ListAnime): ListingOutcome => {
  switch (handled.kind) {
    case 'accepted':
    case 'replayed':
      return handled.type === 'AnimeListed' ? 'listed' : 'revised';
    case 'unchanged':
      return 'unchanged';
    case 'rejected':
      if (handled.rejection.code === 'ANIME_DELISTED') return 'delisted';
      throw new Error(`A listing was refused: ${handled.rejection.reason}`);
    case 'precondition-failed':
    case 'key-reused':
      throw new Error(`A listing without precondition or key was answered ${handled.kind}.`);
    default:
      throw failureOf(handled.kind, `anime ${animeId}`, handled.problem);
  }
};

const failureOf = (
  kind: Failure,
  anime: string,
  { detail, remedy } = { detail: `The stream of ${anime} is ${kind}.`, remedy: '' },
): PortError => {
  switch (kind) {
    case 'conflict':
      return new PortError('CONFLICT', `Others kept writing to ${anime}.`, false);
    case 'overloaded':
      return new UnavailableError('Too many commands wait, or the service stops.');
    case 'unavailable':
      return new UnavailableError('The event store does not answer or refuses the work.');
    case 'outcome-unknown':
      return new OutcomeUnknownError(`Whether ${anime} was stored is not known.`);
    case 'gone':
      return new PortError('STREAM_DELETED', `The stream of ${anime} was deleted for ever.`, false);
    case 'unreadable':
    case 'truncated':
      return new PortError('CORRUPT', `${detail} ${remedy}`.trim(), false);
    case 'access-denied':
      return new PortError('ACCESS_DENIED', 'The event store denies access.', false);
    case 'refused-by-store':
      return new PortError('NOT_SUPPORTED', 'The event store refuses the work.', false);
    case 'too-large':
      return new TooLargeError(`The event store does not take so much of ${anime}.`);
  }
};
