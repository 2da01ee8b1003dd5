import { type MessagePort, parentPort, receiveMessageOnPort } from 'node:worker_threads';
import {
  type Database,
  pragma,
  type SqlValue,
  transaction,
} from '../../../embedded-eventstore/sqlite.js';
import { closeWriting, sqliteFailureOf, openForWriting } from './file.js';
import type { BatchRows } from './rows.js';
import { INDEX_BY_USER, VERSION_FILE } from './schema.js';
import type {
  FromDocumentWriter,
  Order,
  Saved,
  Ticketed,
  ToDocumentWriter,
  DocumentWrite,
} from './writer.js';

interface SavedTable {
  readonly name: string;
  readonly key: readonly string[];
  readonly values: readonly string[];
}

const INTERACTION_TABLE: SavedTable = {
  name: 'interactions',
  key: ['anime_id', 'user_id'],
  values: 'generation revision clicks views seconds last_click last_view ratings'.split(' '),
};

const DAY_TABLE: SavedTable = {
  name: 'days',
  key: ['anime_id', 'day'],
  values: 'generation revision clicks views ratings seconds total'.split(' '),
};

const ANIME_TABLE: SavedTable = {
  name: 'animes',
  key: ['anime_id'],
  values: 'generation revision views average rating_count facets document'.split(' '),
};

const rowColumnsOf = ({ key, values }: SavedTable): readonly string[] => [...key, ...values];

/** Replaces only an older document, decided in the statement itself. */
const upsert = (table: SavedTable, rows: number): string => {
  const columns = rowColumnsOf(table);
  const row = `(${columns.map(() => '?').join(', ')})`;
  return `
  INSERT INTO ${table.name} (${columns.join(', ')})
  VALUES ${Array.from({ length: rows }, () => row).join(', ')}
  ON CONFLICT DO UPDATE SET ${table.values.map((name) => `${name} = excluded.${name}`).join(', ')}
  WHERE (excluded.generation, excluded.revision) > (generation, revision)`;
};

/** A statement for several rows costs less than one for each. The largest that fits is taken. */
const ROWS_TOGETHER = [64, 8, 1];
const ONE_BY_ONE = [1];

/** Writes the rows of a table, several in each statement. */
const tableWriter = (db: Database, table: SavedTable, rowsTogether: readonly number[]) => {
  const width = rowColumnsOf(table).length;
  const statements = rowsTogether.map((rows) => ({
    rows,
    values: rows * width,
    upsert: db.prepare(upsert(table, rows)),
  }));

  /** Returns the number of refused rows, and the indexes of the statements that had any. */
  return (values: readonly SqlValue[]) => {
    const incomplete: number[] = [];
    let refused = 0;
    let from = 0;
    let place = 0;
    for (const statement of statements) {
      for (; values.length - from >= statement.values; from += statement.values, place += 1) {
        const { changes } = statement.upsert.run(...values.slice(from, from + statement.values));
        const left = statement.rows - Number(changes);
        if (left > 0) incomplete.push(place);
        refused += left;
      }
    }
    return { refused, incomplete };
  };
};

interface DocumentStatements {
  /** Saves within the open transaction. */
  save(rows: BatchRows): Saved;
  setFlushed(position: string): void;
}

const documentWriter = (db: Database): DocumentStatements => {
  const writeInteractions = tableWriter(db, INTERACTION_TABLE, ROWS_TOGETHER);
  const writeDays = tableWriter(db, DAY_TABLE, ROWS_TOGETHER);
  // One by one, to tell which were refused.
  const writeAnimes = tableWriter(db, ANIME_TABLE, ONE_BY_ONE);
  const flushed = db.prepare('INSERT OR REPLACE INTO flushed (id, position) VALUES (1, ?)');

  return {
    save: ({ interactions, days, animes }) => {
      const parts = [writeInteractions(interactions), writeDays(days)];
      const { refused, incomplete: refusedAnimes } = writeAnimes(animes);
      return {
        refused: parts.reduce((sum, part) => sum + part.refused, refused),
        refusedAnimes,
      };
    },
    setFlushed: (position) => void flushed.run(position),
  };
};

const NOTHING_REFUSED: Saved = { refused: 0, refusedAnimes: [] };

/** A checkpoint of the write-ahead log needs two fsyncs: when idle, this many documents are worth it. */
const CHECKPOINT_DOCUMENTS = 500;
/** When busy, checkpoint before the log is so long that reads become slow. */
const CHECKPOINT_DOCUMENTS_BUSY = 25_000;

/** Writes the file of one version; only the writer thread does. */
const versionWriter = (path: string) => {
  const db = openForWriting(path, VERSION_FILE);
  const documents = documentWriter(db);
  let saved = 0;
  let sinceCheckpoint = 0;
  let indexed = false;

  const apply = (write: DocumentWrite): Saved => {
    if (write.kind === 'save') return documents.save(write.rows);
    documents.setFlushed(write.position);
    return NOTHING_REFUSED;
  };

  const index = (): void => {
    if (!indexed) db.exec(INDEX_BY_USER);
    indexed = true;
  };

  return {
    /** Performs all writes in one transaction. */
    write: (writes: readonly DocumentWrite[]): readonly Saved[] => {
      const outcome = transaction(db, () => writes.map(apply));
      const documents = writes.reduce((sum, write) => sum + documentsOfWrite(write), 0);
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
        // Nothing is lost: the log keeps its length, and the next save tries again.
      }
    },

    index,

    probe: (): void => db.exec(`PRAGMA user_version = ${Number(pragma(db, 'user_version'))}`),

    /**
     * Only once documents were saved: in a new file the index would slow down the first
     * computation.
     */
    indexIfSaved: (): void => {
      if (saved > 0) index();
    },

    close: () => closeWriting(db),
  };
};

/** The number of documents in a write; a position counts as one. */
const documentsOfWrite = (write: DocumentWrite): number =>
  write.kind === 'save'
    ? rowsIn(write.rows.interactions, INTERACTION_TABLE) +
      rowsIn(write.rows.days, DAY_TABLE) +
      rowsIn(write.rows.animes, ANIME_TABLE)
    : 1;

const rowsIn = (values: readonly SqlValue[], table: SavedTable): number =>
  values.length / rowColumnsOf(table).length;

type VersionWriter = ReturnType<typeof versionWriter>;

/** Limits how long one transaction delays the next. */
const GROUP_DOCUMENTS = 20_000;

/** After this long without a request, postponed work is done. */
const IDLE_MS = 250;

type WriteGroup = readonly [Ticketed<DocumentWrite>, ...Ticketed<DocumentWrite>[]];

/** The only thread that writes documents, so only it waits for the disk. */
const runDocumentWriter = (port: MessagePort): void => {
  const versions = new Map<string, VersionWriter>();
  const answer = (message: FromDocumentWriter): void => port.postMessage(message);
  const fail = (tickets: readonly number[], error: unknown): void => {
    const failure = sqliteFailureOf(error);
    tickets.forEach((ticket) => answer({ ticket, ...NOTHING_REFUSED, failure }));
  };

  const version = (path: string): VersionWriter => {
    const open = versions.get(path);
    if (open === undefined) throw new Error('The file of this version is not open.');
    return open;
  };

  const write = (group: WriteGroup): void => {
    const [{ path }, ...others] = group;
    try {
      const saved = version(path).write(group);
      group.forEach(({ ticket }, place) =>
        answer({ ticket, ...(saved[place] ?? NOTHING_REFUSED) }),
      );
    } catch (error) {
      // Nothing of the group was saved. Retry one by one, so that only the faulty write fails.
      if (others.length === 0) fail([group[0].ticket], error);
      else for (const one of group) write([one]);
    }
  };

  const execute = ({ kind, path, ticket }: Ticketed<Exclude<Order, DocumentWrite>>): void => {
    try {
      if (kind === 'open') versions.set(path, versions.get(path) ?? versionWriter(path));
      else if (kind === 'index') version(path).index();
      else if (kind === 'probe') version(path).probe();
      else release(path);
      answer({ ticket, ...NOTHING_REFUSED });
    } catch (error) {
      fail([ticket], error);
    }
  };

  const release = (path: string): void => {
    versions.get(path)?.close();
    versions.delete(path);
  };

  const pause = setTimeout(() => {
    try {
      versions.forEach((each) => each.indexIfSaved());
    } catch {
      // Ignored here: the query that needs the index requests it and gets the error.
    }
  }, IDLE_MS);

  const close = (): void => {
    clearTimeout(pause);
    [...versions.keys()].forEach(release);
    port.close();
  };

  port.on('message', (first: ToDocumentWriter) => {
    pause.refresh();
    for (let next: ToDocumentWriter | undefined = first; next !== undefined;) {
      if (isWrite(next)) {
        const { path } = next;
        const group = gather(next, port);
        write(group.writes);
        next = group.next;
        versions.get(path)?.checkpoint(next === undefined);
      } else {
        if (next.kind === 'close') close();
        else execute(next);
        next = nextOrder(port);
      }
    }
  });
};

/**
 * Groups writes to the same version that arrived during the last transaction: a page touched by
 * several saves is then written once.
 */
const gather = (first: Ticketed<DocumentWrite>, port: MessagePort) => {
  const writes: [Ticketed<DocumentWrite>, ...Ticketed<DocumentWrite>[]] = [first];
  let documents = documentsOfWrite(first);
  let next = nextOrder(port);
  while (next !== undefined && isWrite(next) && next.path === first.path) {
    if (documents > GROUP_DOCUMENTS) break;
    writes.push(next);
    documents += documentsOfWrite(next);
    next = nextOrder(port);
  }
  return { writes, next };
};

const nextOrder = (port: MessagePort): ToDocumentWriter | undefined =>
  receiveMessageOnPort(port)?.message as ToDocumentWriter | undefined;

const isWrite = (order: ToDocumentWriter): order is Ticketed<DocumentWrite> =>
  order.kind === 'save' || order.kind === 'flushed';

if (parentPort === null) throw new Error('The read store writer must run in a worker thread.');
runDocumentWriter(parentPort);
