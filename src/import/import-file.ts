import { open } from 'node:fs/promises';
import type { Progress } from '../platform/progress.js';
import { importCatalog, type ImportOptions } from './catalog-import.js';
import type { ImportReport } from './import-report.js';
import { summarise } from './import-summary.js';

export interface FileImportOptions extends Omit<ImportOptions, 'source' | 'onForm' | 'onProgress'> {
  readonly path: string;
  /** Gets the form of the file and the summary. */
  readonly print: (text: string) => void;
  readonly onProgress: (progress: Progress) => void;
  /** Of each list of the summary. */
  readonly maxListed?: number;
}

/**
 * Imports a file, telling what it is taken for, how far it is and what came of it. Rejects as
 * `importCatalog` does, or where the file cannot be opened.
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
