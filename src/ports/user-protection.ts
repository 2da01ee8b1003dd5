import type { UserId } from '../domain/ids.js';

/** How new events name a user. */
export interface UserPseudonym {
  /** Random, and the same for all events of the user until he is forgotten. */
  readonly subject: string;
  /** The user id under the user's own key. */
  readonly encryptedId: string;
}

/** A pseudonym with what the command side keeps beside it. */
export interface ProtectedUser extends UserPseudonym {
  /** Salts what is derived from the user's commands. It is gone with the user's key. */
  readonly salt: string;
}

/** Keeps user ids out of new events. */
export interface UserProtection {
  /** The user, if known to this process without asking the key store. */
  known(userId: UserId): ProtectedUser | undefined;
  /** Reads the user's key, or makes one: durable when it resolves. */
  protect(userId: UserId): Promise<ProtectedUser>;
}

/** What could not be erased: events that hold the user id in plain text. */
export interface PlainEvents {
  readonly events: number;
  /** Their streams, at most 20. */
  readonly streams: readonly string[];
}

/**
 * Forgets a person. Answers the same whether the service knew the person or not, and may be repeated:
 * after a rejection, to finish what it began.
 */
export type EraseUser = (userId: UserId, signal?: AbortSignal) => Promise<PlainEvents>;

/** The user ids under which documents hold what a person did: the plain one and the subject's. */
export type DocumentUsers = (userId: UserId) => Promise<readonly UserId[]>;
