import type { AnimeEventType } from '../domain/events.js';
import type { Rejection } from '../domain/decide.js';
import type { ExpectedRevision } from './event-store.js';
import type { PortError } from './errors.js';

/** Where the event of a command is. */
export interface Recorded {
  readonly eventId: string;
  readonly type: AnimeEventType;
  readonly revision: bigint;
  /** A place in the log at or after the event. */
  readonly position: bigint;
}

/** Why no command can be decided on a stream until an operator has acted. */
export interface StreamProblem {
  readonly kind: 'unreadable' | 'truncated';
  readonly stream: string;
  /** The event that cannot be read, or the first that is still there. */
  readonly revision: bigint;
  readonly eventType: string;
  /** A sentence for a person. */
  readonly detail: string;
  /** What the operator does about it, a sentence. */
  readonly remedy: string;
}

export type CommandResult =
  | ({ readonly kind: 'accepted' } & Recorded)
  /** A repeat of a command with the same Idempotency-Key: what it did the first time. */
  | ({ readonly kind: 'replayed' } & Recorded)
  /** There was nothing to do. */
  | { readonly kind: 'unchanged'; readonly revision: bigint }
  | { readonly kind: 'rejected'; readonly rejection: Rejection }
  /** The anime is not as this header asked for, but at `revision`. */
  | {
      readonly kind: 'precondition-failed';
      readonly header: Precondition;
      readonly revision: ExpectedRevision;
    }
  /** The Idempotency-Key came before with another body. */
  | { readonly kind: 'key-reused' }
  /** Others kept writing to this anime for as long as we tried. Nothing was written. */
  | { readonly kind: 'conflict' }
  /** Too many commands wait, or the service stops. Nothing was written. */
  | { readonly kind: 'overloaded' }
  /** The event store does not respond. Nothing was written. */
  | { readonly kind: 'unavailable' }
  /** The key of the command's user cannot be read or made. Nothing was written. */
  | { readonly kind: 'user-key-unavailable' }
  /** The event may or may not have been written. */
  | { readonly kind: 'outcome-unknown' }
  /** The stream was tombstoned. */
  | { readonly kind: 'gone' }
  /**
   * The stream holds an event that cannot be read, or has lost its beginning: deciding without
   * could be wrong. Nothing was written, and nothing will be until an operator has acted.
   */
  | { readonly kind: StreamProblem['kind']; readonly problem: StreamProblem }
  /** The event store denies this service access. */
  | { readonly kind: 'access-denied' }
  /** The event store answers that it cannot do this, or what it holds is damaged. */
  | { readonly kind: 'refused-by-store' }
  /** The event is larger than the event store takes. */
  | { readonly kind: 'too-large' };

/** The result of commands that a failure of the store stopped before anything was written. */
export const resultOfFailure = (error: PortError): StoreFailure => {
  switch (error.code) {
    case 'STREAM_DELETED':
      return { kind: 'gone' };
    case 'TOO_LARGE':
      return { kind: 'too-large' };
    case 'ACCESS_DENIED':
      return { kind: 'access-denied' };
    case 'NOT_SUPPORTED':
    case 'NOT_FOUND':
    case 'REFUSED':
    case 'CORRUPT':
      return { kind: 'refused-by-store' };
    case 'CONFLICT':
    case 'UNAVAILABLE':
    case 'OUTCOME_UNKNOWN':
      return { kind: 'unavailable' };
  }
};

export type StoreFailure = Extract<
  CommandResult,
  { readonly kind: 'gone' | 'too-large' | 'access-denied' | 'refused-by-store' | 'unavailable' }
>;

/** What a precondition names: `any` for a star, else the revisions among its entity tags. */
export type EntityTags = 'any' | readonly bigint[];

export type Precondition = 'If-Match' | 'If-None-Match';

/** What comes with a command beside itself. */
export interface CommandOptions {
  /** Revisions of which the anime must be at one; `any` = it must exist. Absent: wherever it is. */
  readonly ifMatch?: EntityTags;
  /** Revisions at which a listed anime must not be; `any` = it must not be listed. */
  readonly ifNoneMatch?: EntityTags;
  readonly idempotencyKey?: IdempotencyKey;
  readonly correlationId: string;
  /** The id of what caused the command, such as the request. Default: the command's own id. */
  readonly causationId?: string;
  /** W3C trace context. */
  readonly traceparent?: string;
  /** The command is answered within this time, whatever happened. Default: the handler's. */
  readonly deadlineMs?: number;
}

export interface IdempotencyKey {
  readonly caller: string;
  readonly key: string;
  readonly bodyHash: string;
}
