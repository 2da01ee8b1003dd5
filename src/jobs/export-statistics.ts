import { PortError } from '../ports/errors.js';
import type { AnimeDocument, DailyActivityDocument, DocumentStore } from '../ports/read-store.js';
import type { Stores } from '../compose/stores.js';
import { isOwn, otherFingerprint } from '../compose/versions.js';
import { csvCell } from './csv.js';
import type { JobOutput } from './job.js';
import type { ExportRequest } from './requests.js';

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
