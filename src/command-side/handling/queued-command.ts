import { createHash } from 'node:crypto';
import { v5 } from 'uuid';
import type { AnimeCommand } from '../../domain/commands.js';
import type { CommandOptions, CommandResult, IdempotencyKey } from '../../ports/command-result.js';

/** A command between its arrival and its answer. */
export interface QueuedCommand {
  readonly command: AnimeCommand;
  readonly commandId: string;
  readonly options: CommandOptions;
  /** On the clock of `performance.now()`, as the deadline. */
  readonly receivedAt: number;
  readonly deadline: number;
  /** How often another process was faster. */
  conflicts: number;
  /** Must not share an append. */
  mustGoAlone: boolean;
  /** Its event is on the way to the store: nobody knows whether it is written. */
  isAppending: boolean;
  readonly isSettled: () => boolean;
  readonly settle: (result: CommandResult) => void;
  readonly fail: (error: unknown) => void;
}

/** For a log line about several commands: whose they are, as far as a line should be long. */
export const correlationIdsOf = (queuedCommands: readonly QueuedCommand[]): readonly string[] =>
  queuedCommands.slice(0, 10).map(({ options }) => options.correlationId);

/**
 * A command that is answered by its deadline, whatever happens: while it waits nothing is written
 * and nothing will be; while it is being appended only the store knows.
 */
export const createQueuedCommand = (
  command: AnimeCommand,
  commandId: string,
  options: CommandOptions & { readonly deadlineMs: number },
  done: (outcome: { readonly result: CommandResult } | { readonly error: Error }) => void,
): QueuedCommand => {
  const receivedAt = performance.now();
  let settled = false;
  const finish = (outcome: { result: CommandResult } | { error: Error }): void => {
    if (settled) return;
    settled = true;
    clearTimeout(timer);
    done(outcome);
  };
  const queued: QueuedCommand = {
    command,
    commandId,
    options,
    receivedAt,
    deadline: receivedAt + options.deadlineMs,
    conflicts: 0,
    mustGoAlone: false,
    isAppending: false,
    isSettled: () => settled,
    settle: (result) => finish({ result }),
    fail: (error) => finish({ error: asError(error) }),
  };
  const timer = setTimeout(
    () => finish({ result: { kind: queued.isAppending ? 'outcome-unknown' : 'unavailable' } }),
    options.deadlineMs,
  );
  return queued;
};

const asError = (error: unknown): Error =>
  error instanceof Error
    ? error
    : new Error('Something was thrown that is no error', { cause: error });

/** Decided on nothing it is appended, and so proved; with a key or a precondition it may not be. */
export const isPlainListing = ({ command, options, conflicts }: QueuedCommand): boolean =>
  command.type === 'ListAnime' &&
  options.idempotencyKey === undefined &&
  options.ifMatch === undefined &&
  options.ifNoneMatch === undefined &&
  conflicts === 0;

const COMMAND_ID_NAMESPACE = '6c2b0f5e-51a5-4f0c-9d1e-0b8d0d5f8a4e';

/**
 * With an Idempotency-Key the id of a command follows from who sent which command with which key:
 * a repeat has it again, here or in another process.
 */
export const keyedCommandId = (command: AnimeCommand, { caller, key }: IdempotencyKey): string =>
  v5(JSON.stringify([caller, command.animeId, command.type, key]), COMMAND_ID_NAMESPACE);

/**
 * The ids of a command's events follow from it. The body is part of them: a store answers an append
 * that it has already by the ids alone, and another body under the same key is no such repeat.
 */
export const eventIdOf = (commandId: string, index: number, bodyHash = ''): string =>
  bodyHash === '' && index === 0 ? commandId : v5(`${bodyHash}/${index}`, commandId);

/** Tells bodies apart, 128 bits long. When a command was received is not part of what it says. */
export const bodyHashOf = (command: AnimeCommand): string =>
  createHash('sha256')
    .update(JSON.stringify({ ...command, at: undefined }))
    .digest('base64url')
    .slice(0, 22);
