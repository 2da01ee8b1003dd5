import {
  type MessagePort,
  parentPort,
  receiveMessageOnPort,
  workerData,
} from 'node:worker_threads';
import { type Database, pragma, rollBack, watchDatabaseFile } from '../sqlite.js';
import { errorText, groupTransaction, sweepProjections } from './group-transaction.js';
import { linkSlice, turnLinks } from './link-slice.js';
import { openLogFile } from './schema.js';
import {
  type AppendBatch,
  type FromLogWriter,
  type ToLogWriter,
  type WriterData,
} from './writer-protocol.js';

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
        AND position <= coalesce((SELECT min(position) FROM links_reached WHERE enabled), position)
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
  const turn = turnLinks(db);
  const sweep = sweepProjections(db);
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
      case 'turn-links':
        answer(turn(message.family, message.on));
        return;
      case 'sweep':
        answer({ kind: 'swept', more: sweep() });
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
