import { TOMBSTONE_REVISION } from './event-log.js';

/** Messages between the main thread and the writer thread. */

/** A stream's id, assigned on the main thread, and its name. */
export type StreamRow = readonly [id: number, name: string];

export type RetentionRow = readonly [stream: number, maxCount: number | null];

/**
 * Events as columns: typed arrays are transferred to the other thread, whereas objects in a message
 * are copied field by field.
 */
export interface EventColumns {
  /**
   * Per event: position, stream, revision, created, is JSON, length of data, length of data and
   * metadata.
   */
  readonly numbers: Float64Array<ArrayBuffer>;
  readonly ids: readonly string[];
  readonly types: readonly string[];
  /** Data and metadata of all events, concatenated. */
  readonly payload: Uint8Array<ArrayBuffer>;
}

export const NUMBERS_PER_EVENT = 7;

/**
 * A change to what is stored of a projection. Partitions are JSON texts, which hold any name; a run is one
 * computation from the beginning, so that the states of the previous one can be deleted in slices.
 */
export type ProjectionChange =
  | {
      readonly kind: 'put';
      readonly id: number;
      readonly definition: string;
      readonly run: number;
      readonly checkpoint: string;
    }
  | { readonly kind: 'remove'; readonly id: number }
  | {
      readonly kind: 'advance';
      readonly id: number;
      readonly run: number;
      readonly checkpoint: string;
      /** JSON text of `StateRow`s. */
      readonly states: string;
      /** Streams written to for the first time, where they are tracked. */
      readonly streams: readonly string[];
    };

export type StateRow = readonly [partition: string, state: string | null, result: string | null];

/** Appends that joined in one turn of the event loop. */
export interface AppendBatch extends EventColumns {
  readonly kind: 'append';
  readonly streams: readonly StreamRow[];
  readonly retention: readonly RetentionRow[];
  readonly projections: readonly ProjectionChange[];
}

export type ToLogWriter =
  | AppendBatch
  /** The main thread has rejected the batches of a failed transaction: accept batches again. */
  | { readonly kind: 'resume' }
  | { readonly kind: 'scavenge'; readonly afterStream: number; readonly createdBefore: number }
  /** Index the next events. */
  | { readonly kind: 'index' }
  /** Turn a family of link streams on or off. */
  | { readonly kind: 'turn-links'; readonly family: number; readonly on: boolean }
  /** Delete some states of runs that are over. */
  | { readonly kind: 'sweep' }
  /** Commit something that changes nothing: can the disk be written? */
  | { readonly kind: 'probe' }
  | { readonly kind: 'close' };

export type FromLogWriter =
  | { readonly kind: 'ready' }
  | { readonly kind: 'committed'; readonly batches: number }
  /** Every batch until 'resume' is dropped: it was built on the failed one. */
  | { readonly kind: 'failed'; readonly outcome: 'failed' | 'unknown'; readonly message: string }
  | { readonly kind: 'probed'; readonly failure?: string }
  | {
      readonly kind: 'scavenged';
      readonly deleted: number;
      /** Where the next slice begins; null after the last stream. */
      readonly nextStream: number | null;
      /** Why the slice failed. Nothing is lost; the next pass tries again. */
      readonly failure?: string;
    }
  | {
      readonly kind: 'indexed';
      /** All events up to here are indexed. */
      readonly position: number;
      readonly more: boolean;
      /** Why the slice failed. Nothing is lost; the next one tries again. */
      readonly failure?: string;
    }
  | { readonly kind: 'links-turned'; readonly failure?: string }
  | { readonly kind: 'swept'; readonly more: boolean };

export interface WriterData {
  readonly path: string;
}

/** Clients see a tombstone at 2^63-1; here it has a number that JavaScript can hold. */
export const TOMBSTONE = Number.MAX_SAFE_INTEGER;

/** A revision as clients see it. */
export const toRevision = (stored: number): bigint =>
  stored === TOMBSTONE ? TOMBSTONE_REVISION : BigInt(stored);

export const toStored = (revision: bigint): number =>
  revision === TOMBSTONE_REVISION ? TOMBSTONE : Number(revision);
