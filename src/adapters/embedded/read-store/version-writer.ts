import { transaction } from '../../../embedded-eventstore/transaction.js';
import { closeWriting, openForWriting } from './file.js';
import { documentWriter } from './document-writer.js';
import { INDEX_BY_USER, VERSION_FILE } from './schema.js';
import type { Saved, Write } from './writer-protocol.js';

export const NOTHING_REFUSED: Saved = { refused: 0, refusedAnimes: [] };

/** What is in the write-ahead log is moved when nobody waits and it is worth two waits for the disk... */
const CHECKPOINT_DOCUMENTS = 500;
/** ... and whoever waits, before it becomes so long that reading through it takes time. */
const CHECKPOINT_DOCUMENTS_BUSY = 25_000;

/** The file of one version, as the thread that alone writes to it has it. */
export const versionWriter = (path: string) => {
  const db = openForWriting(path, VERSION_FILE);
  const documents = documentWriter(db);
  let saved = 0;
  let sinceCheckpoint = 0;
  let indexed = false;

  const apply = (write: Write): Saved => {
    if (write.kind === 'save') return documents.save(write.batch);
    documents.setFlushed(write.position);
    return NOTHING_REFUSED;
  };

  const index = (): void => {
    if (!indexed) db.exec(INDEX_BY_USER);
    indexed = true;
  };

  return {
    /** All of them in one transaction. */
    write: (writes: readonly Write[]): readonly Saved[] => {
      const outcome = transaction(db, () => writes.map(apply));
      const documents = writes.reduce((sum, write) => sum + sizeOf(write), 0);
      saved += documents;
      sinceCheckpoint += documents;
      return outcome;
    },

    checkpoint: (idle: boolean): void => {
      if (sinceCheckpoint < (idle ? CHECKPOINT_DOCUMENTS : CHECKPOINT_DOCUMENTS_BUSY)) return;
      try {
        db.exec('PRAGMA wal_checkpoint(PASSIVE)');
        sinceCheckpoint = 0;
      } catch {
        // Nothing is lost: the log stays as long as it is, and the next save tries again.
      }
    },

    index,

    /** Not before there is something to find: in a new file that would be before everything comes. */
    indexIfSaved: (): void => {
      if (saved > 0) index();
    },

    close: () => closeWriting(db),
  };
};

/** The documents of a write; a position counts as one. */
export const sizeOf = (write: Write): number =>
  write.kind === 'save'
    ? write.batch.interactions.length + write.batch.days.length + write.batch.animes.length
    : 1;

export type VersionWriter = ReturnType<typeof versionWriter>;
