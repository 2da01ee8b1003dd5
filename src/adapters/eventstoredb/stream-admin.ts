import { randomUUID } from 'node:crypto';
import {
  OutcomeUnknownError,
  StreamDeletedError,
  WrongExpectedRevisionError,
} from '../../ports/errors.js';
import type { ExpectedRevision, ReadOptions, RecordedEvent } from '../../ports/event-store.js';
import { within } from '../../platform/async/abort.js';
import type { Append, Appended } from './append-messages.js';
import type { Connection } from './connection.js';
import { isConflict, writeError } from './errors.js';

export interface StreamAdminOptions {
  readonly connection: Connection;
  readonly append: (append: Append, timeoutMs: number) => Promise<Appended>;
  readonly read: (stream: string, options: ReadOptions) => AsyncIterable<RecordedEvent>;
  readonly timeoutMs: number;
}

const ATTEMPTS = 5;

/** What is done to streams rather than in them. All of it may be repeated. */
export const createStreamAdmin = ({ connection, append, read, timeoutMs }: StreamAdminOptions) => {
  const metadataOf = async (metastream: string) => {
    for await (const last of read(metastream, { direction: 'backwards', limit: 1 })) {
      return { revision: last.revision as ExpectedRevision, fields: fieldsOf(last.data) };
    }
    return { revision: 'no_stream' as ExpectedRevision, fields: {} };
  };

  /** Keeps whatever else the stream's metadata says. */
  const setMaxCount = async (stream: string, maxCount: number): Promise<void> => {
    const metastream = `$$${stream}`;
    for (let attempt = 1; ; attempt += 1) {
      const { revision, fields } = await metadataOf(metastream);
      if (fields['$maxCount'] === maxCount) return;
      const data = Buffer.from(JSON.stringify({ ...fields, $maxCount: maxCount }), 'utf8');
      const event = { id: randomUUID(), type: '$metadata', data, metadata: new Uint8Array() };
      try {
        await append({ stream: metastream, expected: revision, events: [event] }, timeoutMs);
        return;
      } catch (error) {
        if (error instanceof StreamDeletedError) throw new StreamDeletedError(stream, error);
        if (!(error instanceof WrongExpectedRevisionError) || attempt === ATTEMPTS) throw error;
      }
    }
  };

  const settled = async (stream: string, call: Promise<unknown>): Promise<void> => {
    const late = () =>
      new OutcomeUnknownError('The event store did not answer in time.', { context: { stream } });
    await within(timeoutMs, call, late).catch((error: unknown) => {
      throw writeError(error, stream);
    });
  };

  return {
    setMaxCount,
    /** With any revision expected it conflicts only where there is nothing to delete. */
    deleteStream: (stream: string): Promise<void> => {
      const call = connection.deleteStream(stream, { deadline: timeoutMs });
      return settled(
        stream,
        call.catch((error: unknown) => {
          if (!isConflict(error)) throw error;
        }),
      );
    },
    tombstoneStream: (stream: string): Promise<void> =>
      settled(stream, connection.tombstoneStream(stream, { deadline: timeoutMs })),
  };
};

const fieldsOf = (data: Uint8Array): Record<string, unknown> => {
  try {
    const { $tb, ...fields } = JSON.parse(Buffer.from(data).toString('utf8')) as Fields;
    // The mark of a deletion, 2^63 - 1, is no number of JavaScript. The server ends the deletion
    // with any new metadata, and puts a mark of its own so that old events stay hidden.
    return Number.isSafeInteger($tb) ? { ...fields, $tb } : fields;
  } catch {
    // The server ignores metadata that it cannot read, and so do we.
    return {};
  }
};

type Fields = Record<string, unknown>;
