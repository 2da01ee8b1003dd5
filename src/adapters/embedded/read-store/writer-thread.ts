import { parentPort, receiveMessageOnPort, type MessagePort } from 'node:worker_threads';
import { failureOf } from './store-errors.js';
import { NOTHING_REFUSED, sizeOf, versionWriter, type VersionWriter } from './version-writer.js';
import type { FromWriter, Order, Ticketed, ToWriter, Write } from './writer-protocol.js';

/** Bounds how long one transaction makes the next one wait. */
const GROUP_DOCUMENTS = 20_000;

/** No order for so long is a pause, in which what was put off is done. */
const PAUSE_MS = 250;

type Group = readonly [Ticketed<Write>, ...Ticketed<Write>[]];

/** The thread that alone writes documents: commits and checkpoints wait for the disk only here. */
const run = (port: MessagePort): void => {
  const versions = new Map<string, VersionWriter>();
  const answer = (message: FromWriter): void => port.postMessage(message);
  const fail = (tickets: readonly number[], error: unknown): void => {
    const failure = failureOf(error);
    tickets.forEach((ticket) => answer({ ticket, ...NOTHING_REFUSED, failure }));
  };

  const version = (path: string): VersionWriter => {
    const open = versions.get(path);
    if (open === undefined) throw new Error('The file of this version is not open.');
    return open;
  };

  const write = (group: Group): void => {
    const [{ path }, ...others] = group;
    try {
      const saved = version(path).write(group);
      group.forEach(({ ticket }, place) =>
        answer({ ticket, ...(saved[place] ?? NOTHING_REFUSED) }),
      );
    } catch (error) {
      // Nothing of the group is saved; only who caused that shall be told so.
      if (others.length === 0) fail([group[0].ticket], error);
      else for (const one of group) write([one]);
    }
  };

  const obey = ({ kind, path, ticket }: Ticketed<Exclude<Order, Write>>): void => {
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
      // Whoever needs it will ask for it, and be told.
    }
  }, PAUSE_MS);

  const close = (): void => {
    clearTimeout(pause);
    [...versions.keys()].forEach(release);
    port.close();
  };

  port.on('message', (first: ToWriter) => {
    pause.refresh();
    for (let next: ToWriter | undefined = first; next !== undefined;) {
      if (isWrite(next)) {
        const { path } = next;
        const group = gather(next, port);
        write(group.writes);
        next = group.next;
        versions.get(path)?.checkpoint(next === undefined);
      } else {
        if (next.kind === 'close') close();
        else obey(next);
        next = received(port);
      }
    }
  });
};

/**
 * What came for the same version while the last transaction was running shares the next one: a page
 * that several saves touch is then written once.
 */
const gather = (first: Ticketed<Write>, port: MessagePort) => {
  const writes: [Ticketed<Write>, ...Ticketed<Write>[]] = [first];
  let documents = sizeOf(first);
  let next = received(port);
  while (next !== undefined && isWrite(next) && next.path === first.path) {
    if (documents > GROUP_DOCUMENTS) break;
    writes.push(next);
    documents += sizeOf(next);
    next = received(port);
  }
  return { writes, next };
};

const received = (port: MessagePort): ToWriter | undefined =>
  receiveMessageOnPort(port)?.message as ToWriter | undefined;

const isWrite = (order: ToWriter): order is Ticketed<Write> =>
  order.kind === 'save' || order.kind === 'flushed';

if (parentPort === null) throw new Error('The writer runs in a thread of its own.');
run(parentPort);
