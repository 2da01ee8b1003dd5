import type { EventStore } from '../../ports/event-store.js';
import type { UserProtection } from '../../ports/user-protection.js';
import { protectEvent } from '../../user-protection/protect-event.js';

/** A log as a copy of it shall be: without user ids in plain text. */
export const withEncryptedUsers = (source: EventStore, users: UserProtection): EventStore => ({
  ...source,
  readAll: async (options) =>
    Promise.all((await source.readAll(options)).map((event) => protectEvent(event, users))),
  async *read(stream, options) {
    for await (const event of source.read(stream, options)) yield await protectEvent(event, users);
  },
});
