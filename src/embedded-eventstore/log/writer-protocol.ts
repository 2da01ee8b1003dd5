import { TOMBSTONE_REVISION } from './event-log.js';

/** What the main thread and the writer thread say to each other. */

/** A stream's id, given on the main thread, and its name. */
export type StreamRow = readonly [id: number, name: string];

export type RetentionRow = readonly [stream: number, maxCount: number | null];

/**
 * Events side by side rather than one by one: typed arrays are handed to the other thread, while
 * every object in a message is copied field by field.
 */
export interface EventColumns {
  /** For each event: position, stream, revision, created, is JSON, length of data, of data and metadata. */
  readonly numbers: Float64Array<ArrayBuffer>;
  readonly ids: readonly string[];
  readonly types: readonly string[];
  /** Data and metadata of one event after the other. */
  readonly payload: Uint8Array<ArrayBuffer>;
}

export const NUMBERS_PER_EVENT = 7;

/** Appends that joined in one turn of the event loop. */
export interface AppendBatch extends EventColumns {
  readonly kind: 'append';
  readonly streams: readonly StreamRow[];
  readonly retention: readonly RetentionRow[];
}

export type ToLogWriter =
  | AppendBatch
  /** The batches of a failed transaction are rejected on the main thread too: begin anew. */
  | { readonly kind: 'resume' }
  | { readonly kind: 'scavenge'; readonly afterStream: number; readonly createdBefore: number }
  /** Number the links to the next events. */
  | { readonly kind: 'index' }
  | { readonly kind: 'close' };

export type FromLogWriter =
  | { readonly kind: 'ready' }
  | { readonly kind: 'committed'; readonly batches: number }
  /** Until 'resume' every batch is dropped: it was built on top of what failed. */
  | { readonly kind: 'failed'; readonly outcome: 'failed' | 'unknown'; readonly message: string }
  | {
      readonly kind: 'scavenged';
      readonly deleted: number;
      /** Where the next slice begins; null after the last stream. */
      readonly nextStream: number | null;
      /** Why this slice could not be done. Nothing is lost; the next round tries again. */
      readonly failure?: string;
    }
  | {
      readonly kind: 'indexed';
      /** All events up to it have their links. */
      readonly position: number;
      readonly more: boolean;
      /** Why this slice could not be done. Nothing is lost; the next one tries again. */
      readonly failure?: string;
    };

export interface WriterData {
  readonly path: string;
}

/** A tombstone stands at 2^63-1 for clients, and here at a number that JavaScript can hold. */
export const TOMBSTONE = Number.MAX_SAFE_INTEGER;

/** A revision as clients see it. */
export const toRevision = (stored: number): bigint =>
  stored === TOMBSTONE ? TOMBSTONE_REVISION : BigInt(stored);
