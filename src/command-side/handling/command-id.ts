import { createHash } from 'node:crypto';
import { v5 } from 'uuid';
import type { AnimeCommand } from '../../domain/commands.js';
import type { IdempotencyKey } from '../../ports/command-result.js';

const NAMESPACE = '6c2b0f5e-51a5-4f0c-9d1e-0b8d0d5f8a4e';

/**
 * With an Idempotency-Key the id of a command follows from who sent which command with which key:
 * a repeat has it again, here or in another process.
 */
export const keyedCommandId = (command: AnimeCommand, { caller, key }: IdempotencyKey): string =>
  v5(JSON.stringify([caller, command.animeId, command.type, key]), NAMESPACE);

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
