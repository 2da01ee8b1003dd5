import type { DocumentBatch } from '../../../ports/read-store.js';
import type { Failure } from './store-errors.js';

/** What the main thread and the writer thread say to each other. */

export type Write =
  | { readonly kind: 'save'; readonly batch: DocumentBatch }
  | { readonly kind: 'flushed'; readonly position: string };

export type Order =
  | Write
  /** Makes the file of a version, where it does not exist, and holds it open. */
  | { readonly kind: 'open' }
  /** Makes what finds a user's interactions, where it is not there yet. */
  | { readonly kind: 'index' }
  /** Lets go of it. */
  | { readonly kind: 'release' };

export type Ticketed<Kind extends Order> = Kind & {
  readonly ticket: number;
  /** The file of the version. */
  readonly path: string;
};

export type ToWriter = Ticketed<Order> | { readonly kind: 'close' };

/** What became of a save. */
export interface Saved {
  /** Documents that were left alone. */
  readonly refused: number;
  /** Which of the batch's anime documents are among them, by their places. */
  readonly refusedAnimes: readonly number[];
}

export interface FromWriter extends Saved {
  readonly ticket: number;
  readonly failure?: Failure;
}
