import { createHash } from 'node:crypto';
import { v5 } from 'uuid';
import type { AnimeCommand } from '../domain/commands.js';
import type { IdempotencyKey } from './command-result.js';

const NAMESPACE = '6c2b0f5e-51a5-4f0c-9d1e-0b8d0d5f8a4e';

/**
 * The id of a command is the id of its first event. With an Idempotency-Key it follows from who
 * sent which command with which key, so that a repeat, here or in another process, has it again.
 */
export const keyedCommandId = (command: AnimeCommand, { caller, key }: IdempotencyKey): string =>
  v5(JSON.stringify([caller, command.animeId, command.type, key]), NAMESPACE);

export const eventId = (commandId: string, index: number): string =>
  index === 0 ? commandId : v5(String(index), commandId);

/** Tells bodies apart, 128 bits long. When a command was received is not part of what it says. */
export const bodyHashOf = (command: AnimeCommand): string =>
  createHash('sha256')
    .update(JSON.stringify({ ...command, at: undefined }))
    .digest('base64url')
    .slice(0, 22);
