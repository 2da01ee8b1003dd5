import type { ListAnime } from '../domain/commands.js';
import {
  OutcomeUnknownError,
  PortError,
  TooLargeError,
  UnavailableError,
} from '../ports/errors.js';
import type { CommandOptions, CommandResult } from '../ports/command-result.js';
import type { ListTitle } from './catalog-import.js';
import type { ListingOutcome } from './import-report.js';

/** The command handler, as far as an import needs it. */
export interface ListingHandler {
  handle(command: ListAnime, options: CommandOptions): Promise<CommandResult>;
}

/** Sends titles to a command handler. All events of the import carry one correlation id. */
export const listThrough =
  (handler: ListingHandler, correlationId: string): ListTitle =>
  async (command) =>
    listingOutcomeOf(await handler.handle(command, { correlationId }), command);

const listingOutcomeOf = (result: CommandResult, { animeId }: ListAnime): ListingOutcome => {
  const anime = `anime ${animeId}`;
  switch (result.kind) {
    case 'accepted':
    case 'replayed':
      return result.type === 'AnimeListed' ? 'listed' : 'revised';
    case 'unchanged':
      return 'unchanged';
    case 'rejected':
      if (result.rejection.code === 'ANIME_DELISTED') return 'delisted';
      throw new Error(`A listing was rejected: ${result.rejection.reason}`);
    case 'precondition-failed':
    case 'key-reused':
      throw new Error(`A listing without precondition or key failed with ${result.kind}.`);
    case 'conflict':
      throw new PortError('CONFLICT', `Concurrent writes to ${anime} kept conflicting.`, false);
    case 'overloaded':
      throw new UnavailableError('Too many commands are waiting, or the service is stopping.');
    case 'unavailable':
      throw new UnavailableError('The event store is unavailable or refuses the command.');
    case 'outcome-unknown':
      throw new OutcomeUnknownError(`It is not known whether ${anime} was stored.`);
    case 'gone':
      throw new PortError('STREAM_DELETED', `The stream of ${anime} was deleted for ever.`, false);
    case 'unreadable':
    case 'truncated':
      throw new PortError('CORRUPT', `${result.problem.detail} ${result.problem.remedy}`, false);
    case 'access-denied':
      throw new PortError('ACCESS_DENIED', 'The event store denies access.', false);
    case 'refused-by-store':
      throw new PortError('NOT_SUPPORTED', 'The event store refuses the command.', false);
    case 'too-large':
      throw new TooLargeError(`The details of ${anime} are too large for the event store.`);
  }
};
