import type { JsonObject } from '../ports/json.js';
import type { CommandOptions } from './command-result.js';

/**
 * What is stored beside an event. `$correlationId` and `$causationId` are EventStoreDB's own names.
 * A `bodyHash` marks the first event of a command that came with an Idempotency-Key: from it the
 * window of such commands is rebuilt.
 */
export const metadataOf = (
  commandId: string,
  index: number,
  options: CommandOptions,
): JsonObject => {
  const { correlationId, causationId = commandId, idempotencyKey, traceparent } = options;
  return {
    $correlationId: correlationId,
    $causationId: causationId,
    commandId,
    ...(idempotencyKey === undefined || index > 0 ? {} : { bodyHash: idempotencyKey.bodyHash }),
    ...(traceparent === undefined ? {} : { traceparent }),
  };
};
