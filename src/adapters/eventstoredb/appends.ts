import { randomUUID } from 'node:crypto';
import { within } from '../../platform/async/abort.js';
import { retry } from '../../platform/async/retry.js';
import {
  OutcomeUnknownError,
  StreamDeletedError,
  UnavailableError,
  WrongExpectedRevisionError,
} from '../../ports/errors.js';
import type { ExpectedRevision, ReadOptions, RecordedEvent } from '../../ports/event-store.js';
import { jsonObjectIn, type UnknownFields } from '../../ports/json.js';
import {
  aloneAnswer,
  aloneRequests,
  type Appended,
  batchAnswer,
  refuseTooLarge,
} from './append-messages.js';
import { type Append, batchRequest, type BatchResponse } from './batch-messages.js';
import type { BatchAppendStream, EventStoreConnection } from './connection.js';
import { isUnimplemented, writeError } from './errors.js';

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
    const event = { id: randomUUID(), type: '$metadata', data, isJson: true };
    const events = [{ ...event, metadata: new Uint8Array() }];
    await append({ stream: metastream, expected: revision, events }, timeoutMs);
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

/** Appends over a few shared calls, or call by call if the server has no batches. */
export const createAppends = (connection: EventStoreConnection) => {
  const calls = batchCalls(() => connection.openBatch());
  let batchesRefused = false;

  const batched = async (append: Append, timeoutMs: number): Promise<Appended> => {
    const place = calls.enter(append.stream);
    const id = randomUUID();
    let batch: BatchStream | undefined;
    let late = false;
    const send = async () => {
      const opened = await place.open();
      if (late) throw notConnected(append, timeoutMs);
      batch = opened;
      return opened.send(id, batchRequest(id, append));
    };
    try {
      const answered = await within(timeoutMs, send(), () => {
        late = true;
        if (batch === undefined) return notConnected(append, timeoutMs);
        // A server may have lost this call and still keep the connection alive.
        batch.retire();
        return appendNotAnswered(append, timeoutMs);
      });
      return batchAnswer(answered, append);
    } finally {
      batch?.forget(id);
      place.leave();
    }
  };

  const alone = async (append: Append, timeoutMs: number): Promise<Appended> => {
    const answer = connection.append(aloneRequests(append), timeoutMs);
    return aloneAnswer(
      await within(timeoutMs, answer, () => appendNotAnswered(append, timeoutMs)),
      append,
    );
  };

  /** Settles within the time-out, with an unknown outcome if need be. */
  return async (append: Append, timeoutMs: number): Promise<Appended> => {
    refuseTooLarge(append);
    try {
      if (!batchesRefused) return await batched(append, timeoutMs);
    } catch (error) {
      if (!isUnimplemented(error)) throw writeError(error, append.stream);
      batchesRefused = true;
    }
    try {
      return await alone(append, timeoutMs);
    } catch (error) {
      throw writeError(error, append.stream);
    }
  };
};

const appendNotAnswered = ({ stream }: Append, timeoutMs: number) =>
  new OutcomeUnknownError('The event store did not respond to the append in time.', {
    context: { stream, timeoutMs },
  });

/** Nothing was sent, and an abandoned append is not sent later. */
const notConnected = ({ stream }: Append, timeoutMs: number) =>
  new UnavailableError('No connection to the event store in time.', {
    context: { stream, timeoutMs },
  });

interface PendingAnswer {
  readonly resolve: (response: BatchResponse) => void;
  readonly reject: (error: unknown) => void;
}

interface BatchStream {
  /** Resolves with the response for this id; rejects if the call ends, with or without an error. */
  send(id: string, request: Buffer): Promise<BatchResponse>;
  /** Gives up waiting for the response, which may still arrive. */
  forget(id: string): void;
  /** Accepts no new appends: these use a new call, and this one ends with its last response. */
  retire(): void;
}

/** The most calls for appends at a time. */
const MAX_BATCH_CALLS = 8;

interface BatchCall {
  readonly open: () => Promise<BatchStream>;
  pending: number;
}

/**
 * gRPC sends one message of a call, and the next when the connection has taken that one, so appends
 * on one call go out, and are answered, one by one. Appends of several streams made together use calls
 * of their own and travel in one packet. Appends of one stream stay on one call, in their order.
 */
const batchCalls = (open: () => Promise<BatchAppendStream>) => {
  const calls = Array.from({ length: MAX_BATCH_CALLS }, () => ({
    open: batches(open),
    pending: 0,
  }));
  const inUse = new Map<string, { readonly call: BatchCall; pending: number }>();

  const leastBusy = (): BatchCall =>
    calls.reduce((least, call) => (call.pending < least.pending ? call : least));

  return {
    enter: (stream: string) => {
      const use = inUse.get(stream) ?? { call: leastBusy(), pending: 0 };
      inUse.set(stream, use);
      use.pending += 1;
      use.call.pending += 1;
      return {
        open: use.call.open,
        leave: (): void => {
          use.pending -= 1;
          use.call.pending -= 1;
          if (use.pending === 0) inUse.delete(stream);
        },
      };
    },
  };
};

/** One call for any number of appends, opened on first use and again after it ends. */
const batches = (open: () => Promise<BatchAppendStream>): (() => Promise<BatchStream>) => {
  let current: Promise<BatchStream> | undefined;
  return () => {
    if (current !== undefined) return current;
    const ended = () => {
      if (current === batch) current = undefined;
    };
    const batch = open().then((call) => answersOf(call, ended));
    batch.catch(ended);
    return (current = batch);
  };
};

const answersOf = (call: BatchAppendStream, ended: () => void): BatchStream => {
  const waiting = new Map<string, PendingAnswer>();
  let retired = false;
  const end = (error: unknown) => {
    ended();
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };
  call.on('data', (response: BatchResponse) => {
    waiting.get(response.correlationId)?.resolve(response);
  });
  call.on('error', end);
  // The call ended without an error while responses were pending.
  call.on('end', () => {
    end(Object.assign(new Error('The server ended the call.'), { code: 'ECONNRESET' }));
    call.end();
  });
  return {
    send: (id, request) =>
      new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject });
        call.write(request);
      }),
    forget: (id) => {
      waiting.delete(id);
      if (retired && waiting.size === 0) call.cancel();
    },
    retire: () => {
      retired = true;
      ended();
    },
  };
};
