import { open } from 'node:fs/promises';
import type { Progress } from '../platform/progress.js';
import { importCatalog, type CatalogImportOptions } from './catalog-import.js';
import type { ImportReport, Kept } from './import-report.js';

/** A report as text for a person, with at most `maxListed` lines of each list. */
export const summarise = (report: ImportReport, { maxListed = 20 } = {}): string => {
  const { listed, revised, unchanged, delisted, rejected, failed, durationMs } = report;
  const counts = [
    `${amount(listed)} listed`,
    `${amount(revised)} revised`,
    `${amount(unchanged)} unchanged`,
    `${amount(delisted.total)} delisted and skipped`,
    `${amount(rejected.total)} ${rejected.total === 1 ? 'row' : 'rows'} rejected`,
    ...(failed.total === 0 ? [] : [`${amount(failed.total)} failed`]),
  ];
  return [
    `${ending(report)} after ${(durationMs / 1000).toFixed(1)} s: ${counts.join(', ')}.`,
    ...linesOfList(
      'Delisted and skipped (--relist lists them again)',
      delisted,
      maxListed,
      (title) => at(title.line, `${title.animeId} ${title.title}`),
    ),
    ...linesOfList('Rejected', rejected, maxListed, ({ line, reason }) => at(line, reason)),
    ...linesOfList('Failed', failed, maxListed, ({ line, reason }) => at(line, reason)),
    ...(report.ended === 'completed' && failed.total === 0
      ? []
      : ['Run the import again to continue: titles already imported are not changed.']),
    '',
  ].join('\n');
};

const ending = ({ ended, error }: ImportReport): string => {
  switch (ended) {
    case 'completed':
      return 'Imported';
    case 'aborted':
      return 'Stopped';
    case 'failed':
      return `Failed (${error?.message ?? 'unknown'})`;
  }
};

const linesOfList = <Item>(
  caption: string,
  { total, first }: Kept<Item>,
  maxListed: number,
  show: (item: Item) => string,
): readonly string[] => {
  if (total === 0) return [];
  const shown = first.slice(0, maxListed);
  const others = total - shown.length;
  return [
    `${caption}:`,
    ...shown.map(show),
    ...(others === 0 ? [] : [`  ... and ${amount(others)} more`]),
  ];
};

const at = (line: number, text: string): string => `  line ${line}: ${text}`;

const amount = (count: number): string => count.toLocaleString('en');

export interface FileImportOptions extends Omit<
  CatalogImportOptions,
  'source' | 'onForm' | 'onProgress'
> {
  readonly path: string;
  /** Called with the format of the file and with the summary. */
  readonly print: (text: string) => void;
  readonly onProgress: (progress: Progress) => void;
  /** The maximum number of lines of each list in the summary. */
  readonly maxListed?: number;
}

/**
 * Imports a file and reports its format, the progress and a summary. Rejects like `importCatalog`,
 * or if the file cannot be opened.
 */
export const importCatalogFile = async ({
  path,
  print,
  onProgress,
  maxListed = 1000,
  ...options
}: FileImportOptions): Promise<ImportReport> => {
  const file = await open(path);
  try {
    const { size: total } = await file.stat();
    const source = file.createReadStream({ autoClose: false }) as AsyncIterable<Buffer>;
    const report = await importCatalog({
      ...options,
      source,
      onForm: (description) => print(`${path}: ${description}`),
      onProgress: ({ titles, rejected, bytesRead: done }) =>
        onProgress({
          task: 'import',
          done,
          total,
          unit: 'bytes',
          detail: counts(titles, rejected),
        }),
    });
    print(summarise(report, { maxListed }).trimEnd());
    return report;
  } finally {
    await file.close();
  }
};

const counts = (titles: number, rejected: number): string => {
  const shown = `${titles.toLocaleString('en')} titles`;
  if (rejected === 0) return shown;
  return `${shown}, ${rejected.toLocaleString('en')} ${rejected === 1 ? 'row' : 'rows'} rejected`;
};
