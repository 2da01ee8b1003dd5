import { isUserId } from '../domain/ids.js';
import { animeIdOf } from '../domain/stream-name.js';
import type { RecordedEvent } from '../ports/event-store.js';
import { jsonObjectIn } from '../ports/json.js';
import type { ProtectedUser, UserProtection } from '../ports/user-protection.js';
import { encodeProtected, isUserEvent, saltedBodyHash } from '../wire/protected-user.js';
import { decode } from '../wire/stream-event.js';

type ProtectableEvent = Pick<RecordedEvent, 'stream' | 'type' | 'data' | 'metadata'>;

/**
 * A stored event in protected form, for a copy of the log: the same each time, as long as the user is not
 * forgotten. As it is where it is none of ours, cannot be read or holds no user id in plain text.
 */
export const protectEvent = async <Event extends ProtectableEvent>(
  event: Event,
  protection: UserProtection,
): Promise<Event> => {
  if (animeIdOf(event.stream) === undefined) return event;
  const decoded = decode(event.type, event.data);
  if (decoded.kind !== 'event' || !isUserEvent(decoded.event)) return event;
  const { userId } = decoded.event.data;
  if (!isUserId(userId)) return event;
  const user = protection.known(userId) ?? (await protection.protect(userId));
  return {
    ...event,
    data: Buffer.from(JSON.stringify(encodeProtected(decoded.event, user))),
    metadata: withSaltedHash(event.metadata, user),
  };
};

const withSaltedHash = (metadata: Uint8Array, user: ProtectedUser): Uint8Array => {
  const { bodyHash, ...others } = jsonObjectIn(metadata) ?? {};
  if (typeof bodyHash !== 'string') return metadata;
  return Buffer.from(JSON.stringify({ ...others, bodyHash: saltedBodyHash(bodyHash, user) }));
};
