import type { ProjectionCheckpoint, EmittedMessage } from './protocol.js';
import { checkpointAfter, type ReadEvent, tagOf } from './reading.js';
import type { EmittedRow } from './sandbox-runner.js';

/** What a batch emitted, with what caused it. */
export const emittedMessages = (
  emitted: readonly EmittedRow[],
  events: readonly ReadEvent[],
  before: ProjectionCheckpoint,
): EmittedMessage[] => {
  let row = -1;
  let tag = '';
  let correlationId: string | undefined;
  let index = 0;
  return emitted.map(([cause, stream, type, isJson, data, metadata, resultOf]) => {
    if (cause !== row) {
      row = cause;
      index = 0;
      tag = tagOf(checkpointAfter(before, events, cause));
      correlationId = correlationIdIn(events[cause]?.row[5] ?? '');
    }
    const causedBy = events[cause]?.row[6] ?? '';
    const what = { stream, type, isJson, data, metadata, resultOf };
    return { ...what, tag, causedBy, correlationId, index: index++ };
  });
};

const correlationIdIn = (metadata: string): string | undefined => {
  if (!metadata.includes('$correlationId')) return undefined;
  try {
    const value: unknown = JSON.parse(metadata);
    if (typeof value !== 'object' || value === null) return undefined;
    const { $correlationId: id } = value as { readonly $correlationId?: unknown };
    return typeof id === 'string' ? JSON.stringify(id) : undefined;
  } catch {
    return undefined;
  }
};
