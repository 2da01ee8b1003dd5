import { randomUUID } from 'node:crypto';
import { within } from '../../platform/within.js';
import { OutcomeUnknownError, UnavailableError } from '../../ports/errors.js';
import { aloneAnswer, batchAnswer, type Appended } from './append-answers.js';
import { aloneRequests, batchRequest, refuseTooLarge, type Append } from './append-requests.js';
import { batches } from './batch-call.js';
import type { Connection } from './connection.js';
import { isUnimplemented, writeError } from './errors.js';

/** Appends over one shared call, or call by call where the server knows no batches. */
export const createAppends = (connection: Connection) => {
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
        return late(append, timeoutMs);
      });
      return batchAnswer(answered, append);
    } finally {
      batch.forget(id);
    }
  };

  const alone = async (append: Append, timeoutMs: number): Promise<Appended> => {
    const answer = connection.append(aloneRequests(append), timeoutMs);
    return aloneAnswer(await within(timeoutMs, answer, () => late(append, timeoutMs)), append);
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

const late = ({ stream }: Append, timeoutMs: number) =>
  new OutcomeUnknownError('The event store did not answer the append in time.', {
    context: { stream, timeoutMs },
  });

/** Nothing was sent, and what was given up is not sent later. */
const notConnected = ({ stream }: Append, timeoutMs: number) =>
  new UnavailableError('The event store was not found in time.', {
    context: { stream, timeoutMs },
  });
