import { animeIdOf, isUserId, type UserId } from '../domain/ids.js';
import type { EventStore, Position, RecordedEvent } from '../ports/event-store.js';
import { jsonObjectIn } from '../ports/json.js';
import type { DocumentUsers, PlainEvents, UserKeys } from '../ports/user-protection.js';
import { isUserEvent, standInFor, standInIn } from '../wire/protected-user.js';
import { decode } from '../wire/stream-event.js';
import {
  hashKeyIn,
  keyedHash,
  type MasterKeys,
  readStoreKey,
  unseal,
  wrappingKeyIn,
} from './ciphers.js';

const PLAIN_EVENTS_PER_PAGE = 500;
const SHOWN_PLAIN_STREAMS = 20;

type FindPlainEvents = (userId: UserId, signal?: AbortSignal) => Promise<PlainEvents>;

interface CountedPart {
  readonly after: Position | undefined;
  readonly upTo: Position | undefined;
}

/**
 * Finds events that contain a user id in plain text. The first search reads the whole log. Later ones read
 * up to the last plain event found so far, and then only new events. Searches run one at a time, because
 * each may read the whole log.
 */
export const createPlainEvents = (store: Pick<EventStore, 'readAll'>): FindPlainEvents => {
  /** How far the log has been read, and the last plain event of any user up to there. */
  let readTo: Position | undefined;
  let lastPlain: Position | undefined;
  let turn: Promise<unknown> = Promise.resolve();

  async function* eventsIn({ after, upTo }: CountedPart, signal: AbortSignal | undefined) {
    for (let from = after; ;) {
      signal?.throwIfAborted();
      const page = await store.readAll({
        after: from,
        direction: 'forwards',
        limit: PLAIN_EVENTS_PER_PAGE,
      });
      for (const event of page) {
        if (upTo !== undefined && event.position.commit > upTo.commit) return;
        yield event;
      }
      from = page.at(-1)?.position;
      if (page.length < PLAIN_EVENTS_PER_PAGE || from === undefined) return;
    }
  }

  const search: FindPlainEvents = async (userId, signal) => {
    let events = 0;
    const streams = new Set<string>();
    const parts: CountedPart[] = [{ after: readTo, upTo: undefined }];
    if (lastPlain !== undefined) parts.unshift({ after: undefined, upTo: lastPlain });
    for (const part of parts) {
      for await (const event of eventsIn(part, signal)) {
        readTo = later(readTo, event.position);
        const plain = plainUserIn(event);
        if (plain === undefined) continue;
        lastPlain = later(lastPlain, event.position);
        if (plain !== userId) continue;
        events += 1;
        if (streams.size < SHOWN_PLAIN_STREAMS) streams.add(event.stream);
      }
    }
    return { events, streams: [...streams] };
  };

  return (userId, signal) => {
    const found = turn.then(() => search(userId, signal));
    turn = found.catch(() => undefined);
    return found;
  };
};

const later = (one: Position | undefined, other: Position): Position =>
  one === undefined || other.commit > one.commit ? other : one;

/** The user id that an event contains in plain text; undefined for an encrypted one. */
const plainUserIn = ({ stream, type, data }: RecordedEvent): UserId | undefined => {
  if (animeIdOf(stream) === undefined) return undefined;
  const decoded = decode(type, data);
  if (decoded.kind !== 'event' || !isUserEvent(decoded.event)) return undefined;
  const { userId } = decoded.event.data;
  return isUserId(userId) ? userId : undefined;
};

/** Decrypts the user id of an event: null if the user was erased, undefined if it is not encrypted. */
export type RevealUser = (data: Uint8Array) => Promise<UserId | null | undefined>;

/** Rejects with WrongMasterKeyError if the key store was created with a different master key. */
export const openRevealUser = async (
  keys: Pick<UserKeys, 'findSubject' | 'storeKey'>,
  masterKeys: MasterKeys,
): Promise<RevealUser> => {
  const storeKey = await readStoreKey(keys, masterKeys);
  const wrapping = storeKey === null ? null : wrappingKeyIn(storeKey);
  return async (data) => {
    const { subject, userIdEncrypted: sealed } = jsonObjectIn(data) ?? {};
    if (standInIn(subject) === undefined || typeof sealed !== 'string') return undefined;
    const found = wrapping === null ? null : await keys.findSubject(String(subject));
    if (wrapping === null || found === null) return null;
    const key = unseal(wrapping, found.wrappedKey, found.subject);
    const userId = key && unseal(key, sealed, found.subject)?.toString('utf8');
    return isUserId(userId) ? userId : null;
  };
};

/**
 * Needs only read access. Looks the user up in the key store for every query, so that an erasure takes
 * effect at once. Rejects with WrongMasterKeyError if the key store was created with a different master key.
 */
export const openDocumentUsers = async (
  keys: Pick<UserKeys, 'find' | 'storeKey'>,
  masterKeys: MasterKeys,
): Promise<DocumentUsers> => {
  const hashKey = async () => {
    const storeKey = await readStoreKey(keys, masterKeys);
    return storeKey === null ? null : hashKeyIn(storeKey);
  };
  let hashing = await hashKey();

  const subjectOf = async (userId: UserId): Promise<string | null> => {
    // The first command may have created the key store since.
    hashing ??= await hashKey();
    if (hashing === null) return null;
    return (await keys.find(keyedHash(hashing, userId)))?.subject ?? null;
  };

  return async (userId) => {
    const subject = await subjectOf(userId);
    return subject === null ? [userId] : [userId, standInFor(subject)];
  };
};
