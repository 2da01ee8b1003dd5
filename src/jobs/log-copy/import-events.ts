import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { openLogToFill } from '../../compose/log-places.js';
import { readOrMakeLogIdentity } from '../../compose/log-identity.js';
import { chunksOf } from '../../platform/async/pages.js';
import { ConfigError } from '../../platform/config/config.js';
import { PortError } from '../../ports/errors.js';
import type { EventStore, RecordedEvent } from '../../ports/event-store.js';
import { ExportedLineError, fromExportedLine } from '../../wire/exported-event.js';
import { asOriginal } from '../../wire/original-time.js';
import { fileProblem } from '../../platform/config/system-errors.js';
import { type JobOptions, type JobOutput, runJob } from '../job.js';
import { isForCopy, lastCommitIn, logPages } from './copied-events.js';
import { openCopyCheckpoint } from './copy-checkpoint.js';
import { targetOf } from './copy-log.js';
import { createStreamDigests } from './stream-digests.js';
import type { LogTarget } from './target.js';
import { addSource, compareWithTarget } from './verify-copy.js';

const EVENTS_AT_ONCE = 100;

/**
 * Imports the output of `export` into the configured event store, which must be empty, and compares the
 * two. Can be repeated with the same file after an interruption.
 */
export const runImportEventsJob = (options: JobOptions, file: string): Promise<boolean> =>
  runJob(options, async (dependencies) => {
    const { config, signal } = dependencies;
    const place = config.eventStore.url || config.dataDir;
    const option = config.eventStore.url === '' ? 'DATA_DIR' : 'EVENTSTORE_URL';
    const target = targetOf(await openLogToFill(dependencies, place, option), signal);
    const from = file === '-' ? ofStandardInput() : await ofFile(file);
    return await importEvents({ ...from, target, signal, output: options });
  });

interface ExportedFile {
  /** For messages. */
  readonly name: string;
  readonly from: Readable;
  /** 0 where unknown. */
  readonly bytes: number;
  readonly bytesRead: () => number;
}

const ofStandardInput = (): ExportedFile => ({
  name: 'standard input',
  from: process.stdin,
  bytes: 0,
  bytesRead: () => 0,
});

const ofFile = async (name: string): Promise<ExportedFile> => {
  const from = createReadStream(name);
  const { size } = (await stat(name).catch(() => null)) ?? { size: 0 };
  return { name, from, bytes: size, bytesRead: () => from.bytesRead };
};

interface ImportEventsOptions extends ExportedFile {
  readonly target: LogTarget;
  readonly signal: AbortSignal;
  readonly output: JobOutput;
}

/** Returns false if source and target differ in the end. */
export const importEvents = async (options: ImportEventsOptions): Promise<boolean> => {
  const { from, name, bytes, bytesRead, target, signal, output } = options;
  const digests = createStreamDigests();
  try {
    await beginImport(target, signal);
    const logId = await target.patiently(() => readOrMakeLogIdentity(target.store, randomUUID()));
    let written = 0;
    let read = 0;
    for await (const events of chunksOf(eventsIn(from, name), EVENTS_AT_ONCE)) {
      signal.throwIfAborted();
      const own = events.filter(isForCopy).map(asOriginal);
      written += await target.write(own);
      addSource(digests, target, own);
      read += events.length;
      const detail = `${read.toLocaleString('en')} events`;
      output.progress({ task: 'import', done: bytesRead(), total: bytes, unit: 'bytes', detail });
    }
    return await compareWithTarget({ digests, target, signal, output, written, logId });
  } finally {
    from.destroy();
    digests.close();
  }
};

/** All files share one checkpoint, because a file name does not identify its content. */
const OF_A_FILE = 'file';

/** Refuses a target with events that no import wrote. */
const beginImport = async (target: LogTarget, signal: AbortSignal): Promise<void> => {
  const checkpoint = await openCopyCheckpoint(target, OF_A_FILE);
  if (checkpoint.position !== undefined) return;
  if (await hasEvents(target.store, signal)) {
    throw new PortError(
      'REFUSED',
      'The event store is not empty: import events into one of its own (DATA_DIR, EVENTSTORE_URL).',
      false,
    );
  }
  await checkpoint.save({ commit: 0n, prepare: 0n });
};

const hasEvents = async (store: EventStore, signal: AbortSignal): Promise<boolean> => {
  const end = await lastCommitIn(store);
  if (end === undefined) return false;
  for await (const page of logPages(store, { end, signal })) if (page.some(isForCopy)) return true;
  return false;
};

async function* eventsIn(
  from: Readable,
  name: string,
): AsyncGenerator<RecordedEvent, void, undefined> {
  let number = 0;
  for await (const line of linesIn(from, name)) {
    number += 1;
    if (line.trim() === '') continue;
    try {
      yield fromExportedLine(number === 1 ? line.replace(/^\uFEFF/, '') : line);
    } catch (error) {
      if (!(error instanceof ExportedLineError)) throw error;
      throw new ConfigError(
        `${name}, line ${number}: this is no exported event, for ${error.message}.`,
      );
    }
  }
}

/** Fits data and metadata of the largest event that a server accepts, in base64. */
const LONGEST_LINE = 64 * 1024 * 1024;

async function* linesIn(from: Readable, name: string): AsyncGenerator<string, void, undefined> {
  let rest = '';
  from.setEncoding('utf8');
  try {
    for await (const chunk of from as AsyncIterable<string>) {
      const lines = chunk.split('\n');
      lines[0] = rest + (lines[0] ?? '');
      rest = lines.pop() ?? '';
      if (rest.length > LONGEST_LINE) throw new ConfigError(`${name}: a line is too long.`);
      yield* lines;
    }
  } catch (error) {
    const problem = fileProblem(error);
    throw problem === undefined ? error : new ConfigError(`${name}: ${problem}`);
  }
  if (rest !== '') yield rest;
}
