import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { openEventStoreForJob, openPortOfOwner } from '../compose/write-side.js';
import { requireDataDirectory } from '../compose/data-directory.js';
import { openUsersOfEvents } from '../compose/user-protection.js';
import { jsonObjectIn, strictUtf8 } from '../ports/json.js';
import type { RevealUser } from '../user-protection/reveal-users.js';
import { DirectoryInUseError } from '../embedded-eventstore/lock.js';
import type { EventStore, Position, RecordedEvent } from '../ports/event-store.js';
import { type JobOptions, type OwnDependencies, runJob } from './job.js';
import type { ExportRequest } from './requests.js';

/** An event may have a megabyte. */
const PAGE = 100;

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
    const store = await openLogToRead(dependencies);
    const reveal = request.decrypt ? await openUsersOfEvents(dependencies) : null;
    const lines = linesOf(store, { ...request, reveal }, dependencies.signal);
    try {
      await pipeline(Readable.from(lines), to, { end: false, signal: dependencies.signal });
    } catch (error) {
      if (!isClosedPipe(error)) throw error;
    }
    return true;
  });

const openLogToRead = async (dependencies: OwnDependencies): Promise<EventStore> => {
  const { config } = dependencies;
  if (config.eventStore.url === '') await requireDataDirectory(config, { log: true });
  try {
    return await openEventStoreForJob(dependencies);
  } catch (error) {
    if (!(error instanceof DirectoryInUseError)) throw error;
    return await openPortOfOwner(dependencies, error);
  }
};

const isClosedPipe = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'EPIPE';

async function* linesOf(
  store: EventStore,
  { format, types, since, reveal }: ExportRequest & { readonly reveal: RevealUser | null },
  signal: AbortSignal,
): AsyncGenerator<string, void, undefined> {
  if (format === 'csv') yield `${COLUMNS.join()}\n`;
  const [newest] = await store.readAll({ direction: 'backwards', limit: 1 });
  if (newest === undefined) return;
  const end = newest.position.commit;
  const lineOf = format === 'csv' ? csvLine : jsonLine;
  let after: Position | undefined =
    since === undefined ? undefined : { commit: since, prepare: since };
  while (after === undefined || after.commit < end) {
    signal.throwIfAborted();
    const page: readonly RecordedEvent[] = await store.readAll({
      after,
      direction: 'forwards',
      limit: PAGE,
    });
    for (const event of page) {
      if (event.position.commit > end) return;
      if (!isWanted(event, types)) continue;
      yield lineOf(reveal === null ? event : await withUserId(event, reveal));
    }
    after = page.at(-1)?.position;
    if (after === undefined) return;
  }
}

const withUserId = async (event: RecordedEvent, reveal: RevealUser): Promise<RecordedEvent> => {
  const userId = await reveal(event.data);
  if (userId === undefined) return event;
  return { ...event, data: Buffer.from(JSON.stringify({ ...jsonObjectIn(event.data), userId })) };
};

/** Types with `$` are the event store's own: exported only where they are named. */
const isWanted = ({ type }: RecordedEvent, types: readonly string[] | undefined): boolean =>
  types === undefined ? !type.startsWith('$') : types.includes(type);

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

/** 64-bit numbers as decimal strings. */
const eventHeadOf = ({ position, stream, revision, id, type, recordedAt }: RecordedEvent) => ({
  position: String(position.commit),
  stream,
  revision: String(revision),
  id,
  type,
  recordedAt: new Date(recordedAt).toISOString(),
});

/** Stored JSON stays as it is: parsed, large numbers would lose digits. Other bytes become base64. */
const jsonLine = (event: RecordedEvent): string => {
  const head = JSON.stringify(eventHeadOf(event)).slice(0, -1);
  const parts = (['data', 'metadata'] as const).map((name) => {
    const json = jsonLineOf(event[name]);
    return json === undefined
      ? `"${name}Base64":"${Buffer.from(event[name]).toString('base64')}"`
      : `"${name}":${json}`;
  });
  return `${[head, ...parts].join()}}\n`;
};

/** On one line; undefined where the bytes are no JSON. */
const jsonLineOf = (bytes: Uint8Array): string | undefined => {
  try {
    const text = strictUtf8.decode(bytes);
    JSON.parse(text);
    // Within a text of JSON these are escaped: here they only lay it out.
    return text.replaceAll(/[\r\n]+/g, ' ');
  } catch {
    return undefined;
  }
};

/** RFC 4180, but for lines that end with LF alone. */
const csvLine = (event: RecordedEvent): string => {
  const texts = [event.data, event.metadata].map(
    (bytes) => jsonLineOf(bytes) ?? Buffer.from(bytes).toString('base64'),
  );
  return `${[...Object.values(eventHeadOf(event)), ...texts].map(cellOf).join()}\n`;
};

const cellOf = (text: string): string =>
  /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
