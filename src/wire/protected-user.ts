import { createHmac } from 'node:crypto';
import type { AnimeEvent } from '../domain/events.js';
import type { UserId } from '../domain/ids.js';
import type { JsonObject } from '../ports/json.js';
import type { ProtectedUser, UserPseudonym } from '../ports/user-protection.js';

/** The form of an interaction without a readable user id: version 2, but for how it names the user. */
export const PROTECTED_VERSION = 3;

export type UserEvent = Extract<AnimeEvent, { readonly data: { readonly userId: UserId } }>;

export const isUserEvent = (event: AnimeEvent): event is UserEvent => 'userId' in event.data;

/** The data as they are stored where user ids are protected. */
export const encodeProtected = (
  event: UserEvent,
  { subject, encryptedId }: UserPseudonym,
): JsonObject => {
  const { animeId, occurredAt } = event.data;
  const named = {
    schemaVersion: PROTECTED_VERSION,
    animeId,
    occurredAt,
    subject,
    userIdEncrypted: encryptedId,
  };
  switch (event.type) {
    case 'ClickRegistered':
      return named;
    case 'ViewRegistered':
      return { ...named, durationSeconds: event.data.durationSeconds };
    case 'RatingGiven':
      return { ...named, rating: event.data.rating };
  }
};

/** A control character, which no user id contains: a stand-in is never taken for a user id. */
const MARK = '\u001a';

/** 128 bits in base64url. */
const SUBJECT = /^[\w-]{22}$/;

/** What stands in for the user id where only equality counts: the same for all events of a subject. */
export const standInFor = (subject: string): UserId => `${MARK}${subject}` as UserId;

export const standInIn = (subject: unknown): UserId | undefined =>
  typeof subject === 'string' && SUBJECT.test(subject) ? standInFor(subject) : undefined;

/** Characters of base64url, for 128 bits. */
export const BODY_HASH_LENGTH = 22;

/**
 * The hash of a command's body, salted: with a plain hash in the event, a guessed user id could be
 * checked. It cannot be computed once the user is forgotten.
 */
export const saltedBodyHash = (bodyHash: string, { salt }: Pick<ProtectedUser, 'salt'>): string =>
  createHmac('sha256', salt).update(bodyHash).digest('base64url').slice(0, BODY_HASH_LENGTH);
