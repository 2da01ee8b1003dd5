import { isUserId } from '../domain/ids.js';
import type { RecordedEvent } from '../ports/event-store.js';
import type { JsonObject } from '../ports/json.js';
import type { UserProtection } from '../ports/user-protection.js';
import { encodeProtected, isUserEvent } from '../wire/protected-user.js';
import { decode } from '../wire/stream-event.js';

/**
 * The data of a stored event in protected form, for a copy of the log; null where they hold no user id
 * in plain text, or cannot be read.
 */
export const protectedData = async (
  { type, data }: Pick<RecordedEvent, 'type' | 'data'>,
  protection: UserProtection,
): Promise<JsonObject | null> => {
  const decoded = decode(type, data);
  if (decoded.kind !== 'event' || !isUserEvent(decoded.event)) return null;
  const { userId } = decoded.event.data;
  if (!isUserId(userId)) return null;
  const user = protection.known(userId) ?? (await protection.protect(userId));
  return encodeProtected(decoded.event, user);
};
