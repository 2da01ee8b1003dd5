import { randomUUID } from 'node:crypto';
import { createOutage } from '../platform/async/outage.js';
import { repeat } from '../platform/async/retry.js';
import type { Logger } from '../platform/observability/logger.js';
import {
  OutcomeUnknownError,
  StreamDeletedError,
  WrongExpectedRevisionError,
} from '../ports/errors.js';
import type { EventStore, RecordedEvent } from '../ports/event-store.js';
import { type JsonObject, jsonObjectIn } from '../ports/json.js';
import type { EraseUser } from '../ports/user-protection.js';
import { createPlainEvents } from './plain-events.js';
import type { OpenedUserProtection } from './user-protection.js';

/** The subjects of erased users, in a stream short enough to be read at every start. */
export const FORGOTTEN_STREAM = 'users-forgotten';

export const USER_FORGOTTEN = 'UserForgotten';
export const USER_FORGOTTEN_VERSION = 1;

export const encodeForgotten = (subject: string, occurredAt: string): JsonObject => ({
  schemaVersion: USER_FORGOTTEN_VERSION,
  subject,
  occurredAt,
});

/** The erased subject; undefined for an event of any other type. */
export const forgottenSubjectIn = ({ type, data }: RecordedEvent): string | undefined => {
  const subject = type === USER_FORGOTTEN ? jsonObjectIn(data)?.['subject'] : undefined;
  return typeof subject === 'string' ? subject : undefined;
};

const FORGET_ATTEMPTS = 10;

/** Appends `UserForgotten`. A second one for the same subject is harmless. */
const appendForgotten = async (
  store: Pick<EventStore, 'append' | 'head'>,
  subject: string,
  at: string,
): Promise<void> => {
  const data = encodeForgotten(subject, at);
  const event = { id: randomUUID(), type: USER_FORGOTTEN, data, metadata: {} };
  for (let attempt = 1; ; attempt += 1) {
    try {
      await store.append(FORGOTTEN_STREAM, await store.head(FORGOTTEN_STREAM), [event]);
      return;
    } catch (error) {
      const again =
        error instanceof WrongExpectedRevisionError || error instanceof OutcomeUnknownError;
      if (!again || attempt === FORGET_ATTEMPTS) throw error;
    }
  }
};

interface ForgottenUsersOptions {
  readonly store: Pick<EventStore, 'read' | 'head'>;
  readonly forget: (subject: string) => Promise<void>;
  readonly logger: Logger;
}

/** Completes erasures that another process started, or that restoring an older key store undid. */
export const createForgottenUsers = ({ store, forget, logger }: ForgottenUsersOptions) => {
  const outage = createOutage({
    logger,
    begun: 'Erased users are not looked for',
    ended: 'Erased users are looked for again',
  });
  /** The first unread revision. */
  let next = 0n;

  const catchUp = async (signal?: AbortSignal): Promise<void> => {
    const head = await store.head(FORGOTTEN_STREAM);
    if (head === 'no_stream' || head < next) return;
    const read = { from: next, ...(signal === undefined ? {} : { signal }) };
    try {
      for await (const event of store.read(FORGOTTEN_STREAM, read)) {
        const subject = forgottenSubjectIn(event);
        if (subject !== undefined) await forget(subject);
        next = event.revision + 1n;
      }
    } catch (error) {
      if (!(error instanceof StreamDeletedError)) throw error;
    }
  };

  return {
    catchUp,
    /** Resolves when the signal aborts. */
    follow: (everyMs: number, signal: AbortSignal): Promise<void> =>
      repeat(
        async () => {
          try {
            await catchUp(signal);
            outage.over();
          } catch (error) {
            if (!signal.aborted) outage.failed(error, { stream: FORGOTTEN_STREAM });
          }
        },
        everyMs,
        signal,
      ),
  };
};

/**
 * Appends the event before it deletes the key. If this process dies in between, any process with the key
 * store reads the event and deletes the key. If it dies before the append, nothing has changed.
 */
export const createEraseUser = ({
  store,
  protection,
  now,
}: {
  readonly store: Pick<EventStore, 'append' | 'head' | 'readAll'>;
  readonly protection: Pick<OpenedUserProtection, 'subjectOf' | 'forget'>;
  readonly now: () => Date;
}): EraseUser => {
  const findPlainEvents = createPlainEvents(store);
  return async (userId, signal) => {
    const subject = await protection.subjectOf(userId);
    if (subject !== null) {
      await appendForgotten(store, subject, now().toISOString());
      await protection.forget(subject);
    }
    return findPlainEvents(userId, signal);
  };
};

const KEY_STORE_STREAM = 'user-keys';

/** Whether a service with a key store ever ran on this log. */
export const isKeyStoreNoted = async (store: Pick<EventStore, 'head'>): Promise<boolean> =>
  (await store.head(KEY_STORE_STREAM)) !== 'no_stream';

/** Records in the log, once, that it needs a key store: a lost one is then noticed at the start. */
export const noteKeyStore = async (store: Pick<EventStore, 'head' | 'append'>): Promise<void> => {
  if (await isKeyStoreNoted(store)) return;
  const event = {
    id: randomUUID(),
    type: 'KeyStoreMade',
    data: { schemaVersion: 1 },
    metadata: {},
  };
  try {
    await store.append(KEY_STORE_STREAM, 'no_stream', [event]);
  } catch (error) {
    if (!(error instanceof WrongExpectedRevisionError)) throw error;
  }
};
