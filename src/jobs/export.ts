import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { openLogToRead } from '../compose/log-places.js';
import type { Stores } from '../compose/stores.js';
import { openUsersOfEvents } from '../compose/user-protection.js';
import { isOwn, otherFingerprint } from '../compose/versions.js';
import { openPortOfOwner } from '../compose/write-side.js';
import { DirectoryInUseError } from '../embedded-eventstore/lock.js';
import { PortError } from '../ports/errors.js';
import type { EventStore, RecordedEvent } from '../ports/event-store.js';
import { jsonObjectIn } from '../ports/json.js';
import type { AnimeDocument, DailyActivityDocument, DocumentStore } from '../ports/read-store.js';
import type { RevealUser } from '../user-protection/user-protection.js';
import { exportedHead, jsonTextIn, onOneLine, toExportedLine } from '../wire/exported-event.js';
import { type JobOptions, type JobOutput, type OwnDependencies, runJob } from './job.js';
import { lastCommitIn, logPages } from './log-copy/copied-events.js';
import { csvCell } from './output.js';
import type { ExportRequest } from './requests.js';

/**
 * Writes events in the order of `$all`, up to the end of the log at the start, with backpressure. Resolves
 * if the reader of a pipe leaves, as `head` does.
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

/** Events are not sent through the job socket of a service. */
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

/** Types with `$` are the event store's own, and exported only on request. */
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

/** RFC 4180, except that lines end with LF. */
const csvLine = (event: RecordedEvent): string => {
  const texts = [event.data, event.metadata].map(
    (bytes) => csvTextOf(jsonTextIn(bytes)) ?? Buffer.from(bytes).toString('base64'),
  );
  return `${[...Object.values(exportedHead(event)), ...texts].map(csvCell).join()}\n`;
};

const csvTextOf = (json: string | undefined): string | undefined =>
  json === undefined ? undefined : onOneLine(json);

/** Writes one line for each anime of the active version, in the order of their ids. */
export const exportStatistics = async (
  { readStore }: Pick<Stores, 'readStore'>,
  format: ExportRequest['format'],
  { print, drained }: Pick<JobOutput, 'print' | 'drained'>,
  signal: AbortSignal,
): Promise<boolean> => {
  const active = await readStore.active();
  if (active === null) throw new PortError('NOT_FOUND', 'There are no read models yet.', false);
  if (!isOwn(readStore, active)) {
    throw new PortError('NOT_SUPPORTED', otherFingerprint(active.name), false);
  }
  const documents = readStore.documents(active.name);
  if (format === 'csv') print(STATISTICS_COLUMNS.join());
  for await (const anime of documents.allAnimes()) {
    signal.throwIfAborted();
    print(
      format === 'csv' ? csvRow(anime) : JSON.stringify(await statisticsLine(documents, anime)),
    );
    await drained?.();
  }
  return true;
};

const animeTotals = (anime: AnimeDocument) => ({
  animeId: anime.animeId,
  title: anime.details.title,
  status: anime.status,
  clicks: anime.clicks,
  views: anime.views,
  seconds: anime.seconds,
  ratings: anime.ratingCount,
  averageRating: anime.ratingCount === 0 ? null : anime.ratingSum / (anime.ratingCount * 100),
  revision: String(anime.revision),
});

const STATISTICS_COLUMNS = [
  'animeId',
  'title',
  'status',
  'clicks',
  'views',
  'seconds',
  'ratings',
  'averageRating',
  'revision',
] as const satisfies readonly (keyof ReturnType<typeof animeTotals>)[];

const csvRow = (anime: AnimeDocument): string => {
  const totals = animeTotals(anime);
  return STATISTICS_COLUMNS.map((name) => csvCell(String(totals[name] ?? ''))).join();
};

const statisticsLine = async (documents: DocumentStore, anime: AnimeDocument) => {
  const days: ReturnType<typeof dayTotals>[] = [];
  for await (const day of documents.allDays(anime.animeId)) days.push(dayTotals(day));
  return { ...animeTotals(anime), days };
};

const dayTotals = ({ day, clicks, views, seconds, ratings }: DailyActivityDocument) => ({
  day,
  clicks,
  views,
  seconds,
  ratings,
});
