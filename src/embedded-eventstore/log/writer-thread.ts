import {
  parentPort,
  receiveMessageOnPort,
  workerData,
  type MessagePort,
} from 'node:worker_threads';
import { groupTransaction } from './group-transaction.js';
import { linkSlice } from './link-slice.js';
import { scavengeSlice } from './scavenge-slice.js';
import { openLogFile } from './schema.js';
import type { Batch, FromWriter, ToWriter, WriterData } from './writer-protocol.js';

/** Bounds how long one transaction makes the next one wait. */
const GROUP_BYTES = 8 * 1024 * 1024;

/** The thread that alone writes to the log's file, so that only it waits for the disk. */
const run = (port: MessagePort, { path }: WriterData): void => {
  const db = openLogFile(path);
  const write = groupTransaction(db);
  const scavenge = scavengeSlice(db);
  const index = linkSlice(db);
  let dropping = false;

  const answer = (message: FromWriter): void => port.postMessage(message);

  const commit = (batches: readonly Batch[]): void => {
    if (dropping) return;
    const result = write(batches);
    dropping = result.kind === 'failed';
    answer(result.kind === 'failed' ? result : { kind: 'committed', batches: batches.length });
  };

  const obey = (message: Exclude<ToWriter, Batch>): void => {
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
      case 'close':
        db.close();
        port.close();
        return;
    }
  };

  // Whatever came while the last transaction was running is written in the next one.
  port.on('message', (first: ToWriter) => {
    let next: ToWriter | undefined = first;
    while (next !== undefined) {
      if (next.kind !== 'append') {
        obey(next);
        next = received(port);
        continue;
      }
      const group: Batch[] = [];
      for (let bytes = 0; next?.kind === 'append' && bytes < GROUP_BYTES; next = received(port)) {
        group.push(next);
        bytes += next.payload.byteLength;
      }
      commit(group);
    }
  });
  answer({ kind: 'ready' });
};

const received = (port: MessagePort): ToWriter | undefined =>
  receiveMessageOnPort(port)?.message as ToWriter | undefined;

if (parentPort === null) throw new Error('The writer runs in a thread of its own.');
run(parentPort, workerData as WriterData);
