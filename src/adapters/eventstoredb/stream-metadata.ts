import { randomUUID } from 'node:crypto';
import { retry } from '../../platform/async/retry.js';
import { StreamDeletedError, WrongExpectedRevisionError } from '../../ports/errors.js';
import type { ExpectedRevision, ReadOptions, RecordedEvent } from '../../ports/event-store.js';
import { jsonObjectIn, type UnknownFields } from '../../ports/json.js';
import type { Append, Appended } from './append-messages.js';

export interface StreamMetadataOptions {
  readonly append: (append: Append, timeoutMs: number) => Promise<Appended>;
  readonly read: (stream: string, options: ReadOptions) => AsyncIterable<RecordedEvent>;
  readonly timeoutMs: number;
}

const MAX_ATTEMPTS = 5;
const RACE_BACKOFF = { baseMs: 1, maxMs: 20 };

/** Sets `$maxCount` and keeps the rest of the metadata. */
export const createSetMaxCount = ({ append, read, timeoutMs }: StreamMetadataOptions) => {
  const lastMetadata = async (metastream: string) => {
    for await (const last of read(metastream, { direction: 'backwards', limit: 1 })) {
      return { revision: last.revision as ExpectedRevision, fields: keptFields(last.data) };
    }
    return { revision: 'no_stream' as ExpectedRevision, fields: {} as UnknownFields };
  };

  const setOnce = async (stream: string, maxCount: number): Promise<void> => {
    const metastream = `$$${stream}`;
    const { revision, fields } = await lastMetadata(metastream);
    if (fields['$maxCount'] === maxCount) return;
    const data = Buffer.from(JSON.stringify({ ...fields, $maxCount: maxCount }), 'utf8');
    const event = { id: randomUUID(), type: '$metadata', data, metadata: new Uint8Array() };
    await append({ stream: metastream, expected: revision, events: [event] }, timeoutMs);
  };

  return async (stream: string, maxCount: number): Promise<void> => {
    try {
      await retry(() => setOnce(stream, maxCount), {
        backoff: RACE_BACKOFF,
        retriable: (error, attempt) =>
          error instanceof WrongExpectedRevisionError && attempt + 1 < MAX_ATTEMPTS,
      });
    } catch (error) {
      // The error of the append names the metastream.
      throw error instanceof StreamDeletedError ? new StreamDeletedError(stream, error) : error;
    }
  };
};

/**
 * Unreadable metadata is ignored, as the server does. The mark of a soft delete, 2^63 - 1, is
 * dropped too: JavaScript cannot hold it, and the server ends the deletion with any new metadata
 * and writes its own mark to keep old events hidden.
 */
const keptFields = (data: Uint8Array): UnknownFields => {
  const { $tb, ...fields } = jsonObjectIn(data) ?? {};
  return Number.isSafeInteger($tb) ? { ...fields, $tb } : fields;
};
