import type {
  BatchAppendReq,
  BatchAppendResp,
} from '@eventstore/db-client/generated/streams_pb.js';
import type { BatchCall } from './connection.js';
import { uuidText } from './recorded-event.js';

interface Waiting {
  readonly resolve: (response: BatchAppendResp) => void;
  readonly reject: (error: unknown) => void;
}

export interface Batch {
  /** Resolves with the answer to this id; rejects as the call ends, with an error or without. */
  send(id: string, request: BatchAppendReq): Promise<BatchAppendResp>;
  /** Nobody waits for this answer any more: it may still come. */
  forget(id: string): void;
  /** Takes no new appends: those come over a new call, and this one ends with its last answer. */
  retire(): void;
}

/** One call that takes any number of appends: opened with the first, and again after each end. */
export const batches = (open: () => Promise<BatchCall>): (() => Promise<Batch>) => {
  let current: Promise<Batch> | undefined;
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

const answersOf = (call: BatchCall, ended: () => void): Batch => {
  const waiting = new Map<string, Waiting>();
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
