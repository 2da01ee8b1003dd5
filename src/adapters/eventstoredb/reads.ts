import { StreamDeletedError, UnavailableError } from '../../ports/errors.js';
import type { ExpectedRevision, ReadOptions, RecordedEvent } from '../../ports/event-store.js';
import type { Connection } from './connection.js';
import { ALL_STREAMS, readError } from './errors.js';
import { linkedSignal } from '../../platform/async/abort.js';
import type { Outages } from './outages.js';
import { recordedEvent } from './recorded-event.js';
import { readEndRequest, readStreamRequest } from './requests.js';
import { responses } from './responses.js';

export interface ReadsOptions {
  readonly connection: Connection;
  /** A read that brings nothing for so long has failed: the client sets it no deadline. */
  readonly silenceMs: number;
  readonly outages: Outages;
  /** Aborted when the store is closed. */
  readonly closing: AbortSignal;
}

/**
 * Reads by the leader alone: what was settled must be seen, and a follower may be behind. Calls are
 * read to their end: one that is cancelled costs an error with its stack here and a reset there,
 * and after a thousand of those some servers end the whole connection.
 */
export const createReads = ({ connection, silenceMs, outages, closing }: ReadsOptions) => {
  async function* read(
    stream: string,
    options: ReadOptions = {},
  ): AsyncGenerator<RecordedEvent, void, undefined> {
    if (options.limit === 0) return;
    const { signal, unlink } = linkedSignal(closing, options.signal);
    const open = () => connection.read(readStreamRequest(stream, options), { leaderOnly: true });
    let count = 0;
    let last: RecordedEvent | undefined;
    try {
      for await (const response of responses(open, { silenceMs, signal })) {
        outages.answered('read');
        const event = response.getEvent()?.getEvent();
        if (event === undefined) continue;
        count += 1;
        // Handed out after the call has ended, since many consumers want no more than this one.
        if (count === options.limit) last = recordedEvent(event);
        else yield recordedEvent(event);
      }
      if (last !== undefined) yield last;
    } catch (error) {
      const failure = readError(error, stream);
      outages.failed('read', failure);
      throw failure;
    } finally {
      unlink();
    }
    // An end that was asked for is not the end of the stream.
    options.signal?.throwIfAborted();
    if (closing.aborted) throw new UnavailableError('The event store was closed.');
  }

  const head = async (stream: string): Promise<ExpectedRevision> => {
    for await (const last of read(stream, { direction: 'backwards', limit: 1 })) {
      if (last.type === '$streamDeleted') throw new StreamDeletedError(stream);
      return last.revision;
    }
    return 'no_stream';
  };

  /** Rejects where this user may not read the log of all streams. */
  const readEnd = async (): Promise<void> => {
    const open = () => connection.read(readEndRequest(), { leaderOnly: false });
    const answer = responses(open, { silenceMs, signal: closing });
    try {
      while ((await answer.next()).done !== true);
    } catch (error) {
      throw readError(error, ALL_STREAMS);
    }
  };

  return { read, head, readEnd };
};
