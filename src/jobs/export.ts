import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { openLogToRead } from '../compose/log-places.js';
import { openUsersOfEvents } from '../compose/user-protection.js';
import { openPortOfOwner } from '../compose/write-side.js';
import { jsonObjectIn } from '../ports/json.js';
import type { RevealUser } from '../user-protection/reveal-users.js';
import { DirectoryInUseError } from '../embedded-eventstore/lock.js';
import type { EventStore, RecordedEvent } from '../ports/event-store.js';
import { type JobOptions, type OwnDependencies, runJob } from './job.js';
import { lastCommitIn, logPages } from './log-copy/log-pages.js';
import { csvCell } from './csv.js';
import type { ExportRequest } from './requests.js';
import { exportedHead, jsonTextIn, onOneLine, toExportedLine } from '../wire/exported-event.js';

/**
 * Writes the events of the log to `to` in the order of `$all`, up to the last one at the start, no
 * faster than `to` takes them. Resolves, too, where `to` is a pipe whose reader has left.
 */
export const runExportJob = (
  options: JobOptions,
  request: ExportRequest,
  to: Writable,
): Promise<boolean> =>
  runJob(options, async (dependencies) => {
    const store = await openConfiguredLog(dependencies);
    const reveal = request.decrypt ? await openUsersOfEvents(dependencies) : null;
    const lines = linesOf(store, { ...request, reveal }, dependencies.signal);
    try {
      await pipeline(Readable.from(lines), to, { end: false, signal: dependencies.signal });
    } catch (error) {
      if (!isClosedPipe(error)) throw error;
    }
    return true;
  });

/** Events do not go through the socket of a service. */
const openConfiguredLog = async (dependencies: OwnDependencies): Promise<EventStore> => {
  const { config } = dependencies;
  try {
    return await openLogToRead(dependencies, config.eventStore.url || config.dataDir);
  } catch (error) {
    if (!(error instanceof DirectoryInUseError)) throw error;
    return await openPortOfOwner(dependencies, error);
  }
};

const isClosedPipe = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'EPIPE';

async function* linesOf(
  store: EventStore,
  { format, types, since, system, reveal }: ExportRequest & { readonly reveal: RevealUser | null },
  signal: AbortSignal,
): AsyncGenerator<string, void, undefined> {
  if (format === 'csv') yield `${COLUMNS.join()}\n`;
  const end = await lastCommitIn(store);
  if (end === undefined) return;
  const lineOf = format === 'csv' ? csvLine : toExportedLine;
  const after = since === undefined ? undefined : { commit: since, prepare: since };
  for await (const page of logPages(store, { after, end, signal })) {
    for (const event of page) {
      if (!isWanted(event, types, system)) continue;
      yield lineOf(reveal === null ? event : await withUserId(event, reveal));
    }
  }
}

const withUserId = async (event: RecordedEvent, reveal: RevealUser): Promise<RecordedEvent> => {
  const userId = await reveal(event.data);
  if (userId === undefined) return event;
  return { ...event, data: Buffer.from(JSON.stringify({ ...jsonObjectIn(event.data), userId })) };
};

/** Types with `$` are the event store's own: exported only where they are asked for. */
const isWanted = (
  { type }: RecordedEvent,
  types: readonly string[] | undefined,
  system: boolean,
): boolean => (types === undefined ? system || !type.startsWith('$') : types.includes(type));

const COLUMNS = [
  'position',
  'stream',
  'revision',
  'id',
  'type',
  'recordedAt',
  'data',
  'metadata',
] as const;

/** RFC 4180, but for lines that end with LF alone. */
const csvLine = (event: RecordedEvent): string => {
  const texts = [event.data, event.metadata].map(
    (bytes) => csvTextOf(jsonTextIn(bytes)) ?? Buffer.from(bytes).toString('base64'),
  );
  return `${[...Object.values(exportedHead(event)), ...texts].map(csvCell).join()}\n`;
};

const csvTextOf = (json: string | undefined): string | undefined =>
  json === undefined ? undefined : onOneLine(json);
