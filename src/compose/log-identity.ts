import { jsonObjectIn } from '../ports/json.js';
import { WrongExpectedRevisionError, OutcomeUnknownError, PortError } from '../ports/errors.js';
import type { EventStore } from '../ports/event-store.js';

/** Its only event identifies the log, whatever server or file the log is moved to. */
export const LOG_IDENTITY_STREAM = 'log-identity';
const LOG_IDENTIFIED = 'LogIdentified';

const ATTEMPTS = 5;

/**
 * Returns the identity of a log. Creates it with `newId` (a UUID) if there is none; of several
 * processes that do so at once one wins, and all return its identity. Rejects with CORRUPT if the
 * stream holds anything else.
 */
export const readOrMakeLogIdentity = async (store: EventStore, newId: string): Promise<string> => {
  for (let attempt = 1; ; attempt += 1) {
    const known = await readLogIdentity(store);
    if (known !== null) return known;
    const event = { id: newId, type: LOG_IDENTIFIED, data: { logId: newId }, metadata: {} };
    try {
      await store.append(LOG_IDENTITY_STREAM, 'no_stream', [event]);
      return newId;
    } catch (error) {
      // Either another process was first or the response was lost: the stream tells which.
      const readAgain =
        error instanceof WrongExpectedRevisionError || error instanceof OutcomeUnknownError;
      if (!readAgain || attempt === ATTEMPTS) throw error;
    }
  }
};

/** The identity of a log; null where it has none. */
export const readLogIdentity = async (store: EventStore): Promise<string | null> => {
  for await (const { type, data } of store.read(LOG_IDENTITY_STREAM, { limit: 1 })) {
    const logId = type === LOG_IDENTIFIED ? logIdIn(data) : undefined;
    if (logId !== undefined) return logId;
    throw new PortError(
      'CORRUPT',
      `The stream ${LOG_IDENTITY_STREAM} does not say which log this is: its first event must be a ${LOG_IDENTIFIED} with a logId.`,
      false,
      { context: { type } },
    );
  }
  return null;
};

const logIdIn = (data: Uint8Array): string | undefined => {
  const logId = jsonObjectIn(data)?.['logId'];
  return typeof logId === 'string' && logId !== '' ? logId : undefined;
};
