import type { EventStore } from '../ports/event-store.js';
import type { EraseUser } from '../ports/user-protection.js';
import { appendForgotten } from './forgotten-users.js';
import { createPlainEvents } from './plain-events.js';
import type { OpenedUserProtection } from './user-protection.js';

/**
 * The event comes first: from then on every process with a key store destroys the key, whatever happens
 * to this one. A process that ends before it has changed nothing.
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
