import { type MessagePort, parentPort, receiveMessageOnPort } from 'node:worker_threads';
import { type Database, type SqlValue, transaction } from '../../../embedded-eventstore/sqlite.js';
import type { DocumentBatch } from '../../../ports/read-store.js';
import { closeWriting, sqliteFailureOf, openForWriting } from './file.js';
import { animeRow, dayRow, interactionRow } from './rows.js';
import { INDEX_BY_USER, VERSION_FILE } from './schema.js';
import type {
  FromDocumentWriter,
  Order,
  Saved,
  Ticketed,
  ToDocumentWriter,
  DocumentWrite,
} from './writer.js';

/** Leaves alone what is not older, decided in the statement that replaces it. */
const upsert = (table: string, key: readonly string[], values: readonly string[]): string => `
  INSERT INTO ${table} (${[...key, ...values].join(', ')})
  VALUES (${[...key, ...values].map(() => '?').join(', ')})
  ON CONFLICT DO UPDATE SET ${values.map((name) => `${name} = excluded.${name}`).join(', ')}
  WHERE (excluded.generation, excluded.revision) > (generation, revision)`;

const UPSERT_INTERACTION = upsert(
  'interactions',
  ['anime_id', 'user_id'],
  'generation revision clicks views seconds last_click last_view ratings'.split(' '),
);

const UPSERT_DAY = upsert(
  'days',
  ['anime_id', 'day'],
  'generation revision clicks views ratings seconds total'.split(' '),
);

const UPSERT_ANIME = upsert(
  'animes',
  ['anime_id'],
  'generation revision views average rating_count facets document'.split(' '),
);

interface DocumentStatements {
  /** Saves in the transaction that is open. */
  save(batch: DocumentBatch): Saved;
  setFlushed(position: string): void;
}

const documentWriter = (db: Database): DocumentStatements => {
  const interaction = db.prepare(UPSERT_INTERACTION);
  const day = db.prepare(UPSERT_DAY);
  const anime = db.prepare(UPSERT_ANIME);
  const flushed = db.prepare('INSERT OR REPLACE INTO flushed (id, position) VALUES (1, ?)');

  const isSaved = (statement: typeof anime, row: readonly SqlValue[]): boolean =>
    Number(statement.run(...row).changes) > 0;

  return {
    save: ({ interactions, days, animes }) => {
      let refused = 0;
      const refusedAnimes: number[] = [];
      for (const document of interactions) {
        if (!isSaved(interaction, interactionRow(document))) refused++;
      }
      for (const document of days) {
        if (!isSaved(day, dayRow(document))) refused++;
      }
      for (const [place, document] of animes.entries()) {
        if (!isSaved(anime, animeRow(document))) refusedAnimes.push(place);
      }
      return { refused: refused + refusedAnimes.length, refusedAnimes };
    },
    setFlushed: (position) => void flushed.run(position),
  };
};

const NOTHING_REFUSED: Saved = { refused: 0, refusedAnimes: [] };

/** What is in the write-ahead log is moved when nobody waits and it is worth two waits for the disk... */
const CHECKPOINT_DOCUMENTS = 500;
/** ... and whoever waits, before it becomes so long that reading through it takes time. */
const CHECKPOINT_DOCUMENTS_BUSY = 25_000;

/** The file of one version, as the thread that alone writes to it has it. */
const versionWriter = (path: string) => {
  const db = openForWriting(path, VERSION_FILE);
  const documents = documentWriter(db);
  let saved = 0;
  let sinceCheckpoint = 0;
  let indexed = false;

  const apply = (write: DocumentWrite): Saved => {
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
    write: (writes: readonly DocumentWrite[]): readonly Saved[] => {
      const outcome = transaction(db, () => writes.map(apply));
      const documents = writes.reduce((sum, write) => sum + documentsIn(write), 0);
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
const documentsIn = (write: DocumentWrite): number =>
  write.kind === 'save'
    ? write.batch.interactions.length + write.batch.days.length + write.batch.animes.length
    : 1;

type VersionWriter = ReturnType<typeof versionWriter>;

/** Bounds how long one transaction makes the next one wait. */
const GROUP_DOCUMENTS = 20_000;

/** No order for so long is a pause, in which what was put off is done. */
const IDLE_MS = 250;

type WriteGroup = readonly [Ticketed<DocumentWrite>, ...Ticketed<DocumentWrite>[]];

/** The thread that alone writes documents: commits and checkpoints wait for the disk only here. */
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
      // Nothing of the group is saved. Retry one by one, so that only the faulty write fails.
      if (others.length === 0) fail([group[0].ticket], error);
      else for (const one of group) write([one]);
    }
  };

  const execute = ({ kind, path, ticket }: Ticketed<Exclude<Order, DocumentWrite>>): void => {
    try {
      if (kind === 'open') versions.set(path, versions.get(path) ?? versionWriter(path));
      else if (kind === 'index') version(path).index();
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
      // The query that needs the index asks for it and gets the error.
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
 * What came for the same version while the last transaction was running shares the next one: a page
 * that several saves touch is then written once.
 */
const gather = (first: Ticketed<DocumentWrite>, port: MessagePort) => {
  const writes: [Ticketed<DocumentWrite>, ...Ticketed<DocumentWrite>[]] = [first];
  let documents = documentsIn(first);
  let next = nextOrder(port);
  while (next !== undefined && isWrite(next) && next.path === first.path) {
    if (documents > GROUP_DOCUMENTS) break;
    writes.push(next);
    documents += documentsIn(next);
    next = nextOrder(port);
  }
  return { writes, next };
};

const nextOrder = (port: MessagePort): ToDocumentWriter | undefined =>
  receiveMessageOnPort(port)?.message as ToDocumentWriter | undefined;

const isWrite = (order: ToDocumentWriter): order is Ticketed<DocumentWrite> =>
  order.kind === 'save' || order.kind === 'flushed';

if (parentPort === null) throw new Error('The writer runs in a thread of its own.');
runDocumentWriter(parentPort);
