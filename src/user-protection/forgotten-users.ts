import { randomUUID } from 'node:crypto';
import type { Logger } from '../platform/observability/logger.js';
import { createOutage } from '../platform/async/outage.js';
import { repeat } from '../platform/async/retry.js';
import {
  OutcomeUnknownError,
  StreamDeletedError,
  WrongExpectedRevisionError,
} from '../ports/errors.js';
import type { EventStore } from '../ports/event-store.js';
import {
  encodeForgotten,
  FORGOTTEN_STREAM,
  forgottenSubjectIn,
  USER_FORGOTTEN,
} from '../wire/user-forgotten.js';

const FORGET_ATTEMPTS = 10;

/** Appends `UserForgotten`. Two for one subject do no harm. */
export const appendForgotten = async (
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

/** Finishes erasures that another process began, and those that a restored key store undid. */
export const createForgottenUsers = ({ store, forget, logger }: ForgottenUsersOptions) => {
  const outage = createOutage({
    logger,
    begun: 'Erased users are not looked for',
    ended: 'Erased users are looked for again',
  });
  /** The first revision that was not read yet. */
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
