import {
  type MessagePort,
  parentPort,
  receiveMessageOnPort,
  workerData,
} from 'node:worker_threads';
import { LRUCache } from 'lru-cache';
import { type Database, pragma, rollBack, watchDatabaseFile } from '../sqlite.js';
import { groupTransaction, errorText } from './group-transaction.js';
import { linksOf } from './links.js';
import { openLogFile } from './schema.js';
import {
  type AppendBatch,
  type FromLogWriter,
  toRevision,
  type ToLogWriter,
  type WriterData,
} from './writer-protocol.js';

/** Limits how long an indexing transaction delays appends. */
const EVENTS_PER_SLICE = 500;
const LINK_STREAMS = 10_000;

type IndexedSlice = Extract<FromLogWriter, { readonly kind: 'indexed' }>;

type LinkableRow = [
  position: number,
  stream: number,
  name: string,
  revision: number,
  type: string,
  created: number,
];

interface LinkStream {
  readonly id: number;
  next: number;
}

/**
 * Numbers the links to the next events and stores the progress in one transaction, so each event is
 * numbered exactly once, in log order.
 */
const linkSlice = (db: Database) => {
  const prepare = (sql: string) => {
    const statement = db.prepare(sql);
    statement.setReturnArrays(true);
    return statement;
  };
  const reached = prepare('SELECT position FROM links_reached');
  const reach = db.prepare('INSERT OR REPLACE INTO links_reached VALUES (1, ?)');
  const following = prepare(`
    SELECT position, stream, name, revision, type, created
    FROM events JOIN streams ON streams.id = events.stream
    WHERE position > ? ORDER BY position LIMIT ${EVENTS_PER_SLICE}`);
  const payload = prepare('SELECT data_length, payload FROM events WHERE position = ?');
  const find = prepare('SELECT id FROM link_streams WHERE name = ?');
  const last = prepare('SELECT max(number) FROM links WHERE link_stream = ?');
  const add = prepare('INSERT INTO link_streams (name) VALUES (?) RETURNING id');
  const insert = db.prepare('INSERT INTO links VALUES (?, ?, ?, ?, ?, ?, ?)');

  const known = new LRUCache<string, LinkStream>({ max: LINK_STREAMS });

  const load = (name: string): LinkStream => {
    const found = find.get(name) as [number] | undefined;
    if (found === undefined) return { id: (add.get(name) as [number])[0], next: 0 };
    return { id: found[0], next: ((last.get(found[0]) as [number | null])[0] ?? -1) + 1 };
  };

  const linkStream = (name: string): LinkStream => {
    const cached = known.get(name);
    if (cached !== undefined) return cached;
    const loaded = load(name);
    known.set(name, loaded);
    return loaded;
  };

  const dataAt = (position: number): Uint8Array => {
    const [length, bytes] = payload.get(position) as [number, Uint8Array];
    return bytes.subarray(0, length);
  };

  const insertLinks = ([position, stream, name, revision, type, created]: LinkableRow): void => {
    const links = linksOf({
      stream: name,
      revision: toRevision(revision),
      type,
      data: () => dataAt(position),
    });
    for (const { linkStream: to, target } of links) {
      const list = linkStream(to);
      insert.run(list.id, list.next, position, stream, revision, created, target ?? null);
      list.next += 1;
    }
  };

  const slice = (): IndexedSlice => {
    const [after] = (reached.get() as [number] | undefined) ?? [0];
    const rows = following.all(after) as LinkableRow[];
    const position = rows.at(-1)?.[0] ?? after;
    db.exec('BEGIN IMMEDIATE');
    rows.forEach(insertLinks);
    reach.run(position);
    db.exec('COMMIT');
    return { kind: 'indexed', position, more: rows.length === EVENTS_PER_SLICE };
  };

  return (): IndexedSlice => {
    try {
      // A power loss may undo this; the same events then get the same numbers again. The deletions
      // that depend on it come later in the same file and are undone first.
      db.exec('PRAGMA synchronous = NORMAL');
      return slice();
    } catch (error) {
      rollBack(db);
      known.clear();
      return { kind: 'indexed', position: 0, more: false, failure: errorText(error) };
    } finally {
      db.exec('PRAGMA synchronous = FULL');
    }
  };
};

const STREAMS_PER_SLICE = 50;
const EVENTS_PER_STREAM = 200;

type ScavengedSlice = Extract<FromLogWriter, { readonly kind: 'scavenged' }>;

/**
 * Deletes events hidden by `$maxCount`, a few streams at a time so that appends never wait long. A
 * stream's last event is kept, because revisions and positions continue from it. With a link index,
 * events that are not indexed yet are kept too.
 */
const scavengeSlice = (db: Database) => {
  const kept = db.prepare(
    'SELECT stream, max_count FROM retention WHERE stream > ? ORDER BY stream LIMIT ?',
  );
  kept.setReturnArrays(true);
  const remove = db.prepare(`
    DELETE FROM events WHERE position IN (
      SELECT position FROM events
      WHERE stream = ?1 AND created < ?3
        AND position <= coalesce((SELECT position FROM links_reached), position)
        AND revision <= (SELECT max(revision) FROM events WHERE stream = ?1) - ?2
      ORDER BY revision LIMIT ${EVENTS_PER_STREAM})`);

  const slice = (afterStream: number, createdBefore: number): ScavengedSlice => {
    const streams = kept.all(afterStream, STREAMS_PER_SLICE) as [number, number][];
    let deleted = 0;
    db.exec('BEGIN');
    for (const [stream, maxCount] of streams) {
      deleted += changesOf(remove.run(stream, maxCount, createdBefore));
    }
    db.exec('COMMIT');
    const nextStream = streams.length < STREAMS_PER_SLICE ? null : (streams.at(-1)?.[0] ?? null);
    return { kind: 'scavenged', deleted, nextStream };
  };

  return (afterStream: number, createdBefore: number): ScavengedSlice => {
    try {
      return slice(afterStream, createdBefore);
    } catch (error) {
      rollBack(db);
      return { kind: 'scavenged', deleted: 0, nextStream: null, failure: errorText(error) };
    }
  };
};

const changesOf = (result: unknown): number =>
  Number((result as { readonly changes: number | bigint }).changes);

/** Writes a page as it is. */
const probeWrite = (db: Database) => {
  const version = Number(pragma(db, 'user_version'));
  return (): FromLogWriter => {
    try {
      db.exec(`PRAGMA user_version = ${version}`);
      return { kind: 'probed' };
    } catch (error) {
      rollBack(db);
      return { kind: 'probed', failure: errorText(error) };
    }
  };
};

/** Limits how long one transaction delays the next. */
const GROUP_BYTES = 8 * 1024 * 1024;

/** The only thread that writes to the log's file, so only it waits for the disk. */
const runLogWriter = (port: MessagePort, { path }: WriterData): void => {
  const db = openLogFile(path);
  const write = groupTransaction(db, watchDatabaseFile(path));
  const probe = probeWrite(db);
  const scavenge = scavengeSlice(db);
  const index = linkSlice(db);
  let dropping = false;

  const answer = (message: FromLogWriter): void => port.postMessage(message);

  const commit = (batches: readonly AppendBatch[]): void => {
    if (dropping) return;
    const result = write(batches);
    dropping = result.kind === 'failed';
    answer(result.kind === 'failed' ? result : { kind: 'committed', batches: batches.length });
  };

  const handle = (message: Exclude<ToLogWriter, AppendBatch>): void => {
    switch (message.kind) {
      case 'resume':
        dropping = false;
        return;
      case 'scavenge':
        answer(scavenge(message.afterStream, message.createdBefore));
        return;
      case 'index':
        answer(index());
        return;
      case 'probe':
        answer(probe());
        return;
      case 'close':
        db.close();
        port.close();
        return;
    }
  };

  // Messages that arrived during the last transaction share the next one.
  port.on('message', (first: ToLogWriter) => {
    let next: ToLogWriter | undefined = first;
    while (next !== undefined) {
      if (next.kind !== 'append') {
        handle(next);
        next = nextMessage(port);
        continue;
      }
      const group: AppendBatch[] = [];
      for (
        let bytes = 0;
        next?.kind === 'append' && bytes < GROUP_BYTES;
        next = nextMessage(port)
      ) {
        group.push(next);
        bytes += next.payload.byteLength;
      }
      commit(group);
    }
  });
  answer({ kind: 'ready' });
};

const nextMessage = (port: MessagePort): ToLogWriter | undefined =>
  receiveMessageOnPort(port)?.message as ToLogWriter | undefined;

if (parentPort === null) throw new Error('The event log writer must run in a worker thread.');
runLogWriter(parentPort, workerData as WriterData);
