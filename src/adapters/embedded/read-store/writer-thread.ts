import { parentPort, receiveMessageOnPort, type MessagePort } from 'node:worker_threads';
import type { Database } from '../sqlite.js';
import { transaction } from '../transaction.js';
import { openForWriting } from './file.js';
import { versionWriter, type VersionWriter } from './save-documents.js';
import { VERSION_FILE } from './schema.js';
import { failureOf } from './store-errors.js';
import type { FromWriter, Saved, Ticketed, ToWriter, Write } from './writer-protocol.js';

/** Bounds how long one transaction makes the next one wait. */
const GROUP_DOCUMENTS = 10_000;

const NOTHING_REFUSED: Saved = { refused: 0, refusedAnimes: [] };

interface OpenFile {
  readonly db: Database;
  readonly writer: VersionWriter;
}

/** The thread that alone writes documents: commits and checkpoints wait for the disk only here. */
const run = (port: MessagePort): void => {
  const files = new Map<string, OpenFile>();
  const answer = (message: FromWriter): void => port.postMessage(message);

  const open = (path: string): void => {
    if (files.has(path)) return;
    const db = openForWriting(path, VERSION_FILE);
    files.set(path, { db, writer: versionWriter(db) });
  };

  const release = (path: string): void => {
    files.get(path)?.db.close();
    files.delete(path);
  };

  const commit = (group: readonly Ticketed<Write>[], path: string): readonly FromWriter[] => {
    const file = files.get(path);
    if (file === undefined) throw new Error('The file of this version is not open.');
    return transaction(file.db, () =>
      group.map((write) => ({ ticket: write.ticket, ...apply(file, write) })),
    );
  };

  /** A failure concerns everybody whose order could not be carried out, and nobody else. */
  const answering = (tickets: readonly number[], work: () => readonly FromWriter[]): void => {
    try {
      work().forEach(answer);
    } catch (error) {
      const failure = failureOf(error);
      tickets.forEach((ticket) => answer({ ticket, ...NOTHING_REFUSED, failure }));
    }
  };

  const obey = (order: Exclude<ToWriter, Ticketed<Write>>): void => {
    if (order.kind === 'close') {
      [...files.keys()].forEach(release);
      port.close();
      return;
    }
    answering([order.ticket], () => {
      if (order.kind === 'open') open(order.path);
      else release(order.path);
      return [{ ticket: order.ticket, ...NOTHING_REFUSED }];
    });
  };

  // What came while the last transaction was running shares the next one: a page that several
  // saves touch is then written once.
  port.on('message', (first: ToWriter) => {
    let next: ToWriter | undefined = first;
    while (next !== undefined) {
      if (!isWrite(next)) {
        obey(next);
        next = received(port);
        continue;
      }
      const { path } = next;
      const group: Ticketed<Write>[] = [];
      let documents = 0;
      while (next !== undefined && isWrite(next) && next.path === path) {
        if (documents >= GROUP_DOCUMENTS) break;
        group.push(next);
        documents += sizeOf(next);
        next = received(port);
      }
      const tickets = group.map(({ ticket }) => ticket);
      answering(tickets, () => commit(group, path));
    }
  });
};

const received = (port: MessagePort): ToWriter | undefined =>
  receiveMessageOnPort(port)?.message as ToWriter | undefined;

const isWrite = (order: ToWriter): order is Ticketed<Write> =>
  order.kind === 'save' || order.kind === 'flushed';

const sizeOf = (write: Write): number =>
  write.kind === 'save'
    ? write.batch.interactions.length + write.batch.days.length + write.batch.animes.length
    : 1;

const apply = ({ writer }: OpenFile, write: Write): Saved => {
  if (write.kind === 'save') return writer.save(write.batch);
  writer.setFlushed(write.position);
  return NOTHING_REFUSED;
};

if (parentPort === null) throw new Error('The writer runs in a thread of its own.');
run(parentPort);
