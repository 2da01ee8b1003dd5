import type { DocumentBatch } from '../../../ports/read-store.js';
import type { SqliteFailure } from './store-errors.js';

/** What the main thread and the writer thread say to each other. */

export type Write =
  | { readonly kind: 'save'; readonly batch: DocumentBatch }
  | { readonly kind: 'flushed'; readonly position: string };

export type Order =
  | Write
  /** Makes the file of a version, where it does not exist, and holds it open. */
  | { readonly kind: 'open' }
  /** Lets go of it. */
  | { readonly kind: 'release' };

export type Ticketed<Kind extends Order> = Kind & {
  readonly ticket: number;
  /** The file of the version. */
  readonly path: string;
};

export type ToWriter = Ticketed<Order> | { readonly kind: 'close' };

export interface FromWriter {
  readonly ticket: number;
  /** Documents that were left alone, where documents were saved. */
  readonly refused: number;
  readonly failure?: SqliteFailure;
}
