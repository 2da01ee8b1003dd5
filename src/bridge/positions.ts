import type { Position } from '../ports/event-store.js';
import type { FlushedPosition } from './keeper.js';

const isBefore = (a: Position, b: Position): boolean =>
  a.commit < b.commit || (a.commit === b.commit && a.prepare < b.prepare);

/**
 * Where to begin: after the checkpoint, or further back where the documents are: they may have been
 * lost, or not have reached the disk before a power failure.
 */
export const startingPoint = async (
  checkpoint: Position | null,
  flushed: FlushedPosition | undefined,
): Promise<Position | 'start'> => {
  if (checkpoint === null) return 'start';
  if (flushed === undefined) return checkpoint;
  const documents = await flushed.load();
  if (documents === null) return 'start';
  return isBefore(documents, checkpoint) ? documents : checkpoint;
};
