import { randomUUID } from 'node:crypto';
import type {
  BatchAppendReq,
  BatchAppendResp,
} from '@eventstore/db-client/generated/streams_pb.js';
import { within } from '../../platform/async/abort.js';
import { OutcomeUnknownError, UnavailableError } from '../../ports/errors.js';
import {
  aloneAnswer,
  aloneRequests,
  type Append,
  type Appended,
  batchAnswer,
  batchRequest,
  refuseTooLarge,
} from './append-messages.js';
import type { BatchAppendStream, EventStoreConnection } from './connection.js';
import { isUnimplemented, writeError } from './errors.js';
import { uuidText } from './responses.js';

/** Appends over one shared call, or call by call where the server knows no batches. */
export const createAppends = (connection: EventStoreConnection) => {
  const openBatch = batches(() => connection.openBatch());
  let batchesRefused = false;

  const batched = async (append: Append, timeoutMs: number): Promise<Appended> => {
    const batch = await within(timeoutMs, openBatch(), () => notConnected(append, timeoutMs));
    const id = randomUUID();
    try {
      const answer = batch.send(id, batchRequest(id, append));
      const answered = await within(timeoutMs, answer, () => {
        // A server may have lost sight of this call and yet keep the connection alive.
        batch.retire();
        return appendNotAnswered(append, timeoutMs);
      });
      return batchAnswer(answered, append);
    } finally {
      batch.forget(id);
    }
  };

  const alone = async (append: Append, timeoutMs: number): Promise<Appended> => {
    const answer = connection.append(aloneRequests(append), timeoutMs);
    return aloneAnswer(
      await within(timeoutMs, answer, () => appendNotAnswered(append, timeoutMs)),
      append,
    );
  };

  /** Settles within the time, with what is known by then. */
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
  new OutcomeUnknownError('The event store did not answer the append in time.', {
    context: { stream, timeoutMs },
  });

/** Nothing was sent, and what was given up is not sent later. */
const notConnected = ({ stream }: Append, timeoutMs: number) =>
  new UnavailableError('The event store was not found in time.', {
    context: { stream, timeoutMs },
  });

interface PendingAnswer {
  readonly resolve: (response: BatchAppendResp) => void;
  readonly reject: (error: unknown) => void;
}

interface BatchStream {
  /** Resolves with the answer to this id; rejects as the call ends, with an error or without. */
  send(id: string, request: BatchAppendReq): Promise<BatchAppendResp>;
  /** Nobody waits for this answer any more: it may still come. */
  forget(id: string): void;
  /** Takes no new appends: those come over a new call, and this one ends with its last answer. */
  retire(): void;
}

/** One call that takes any number of appends: opened with the first, and again after each end. */
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
  call.on('data', (response: BatchAppendResp) => {
    waiting.get(uuidText(response.getCorrelationId()))?.resolve(response);
  });
  call.on('error', end);
  // Without an error, but with answers owed.
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
