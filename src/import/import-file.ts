import { open } from 'node:fs/promises';
import { importCatalog, type ImportOptions } from './catalog-import.js';
import type { ImportReport } from './import-report.js';
import { summarise } from './import-summary.js';
import { createProgress, type ProgressOutput } from './progress.js';

export interface FileImportOptions extends Omit<ImportOptions, 'source' | 'onForm' | 'onProgress'> {
  readonly path: string;
  /** Where the form of the file, progress and summary are shown. */
  readonly output: ProgressOutput;
}

/** Lists are cut on a terminal; a file or a pipe gets all that the report keeps. */
const MAX_LISTED_ON_TERMINAL = 20;
const MAX_LISTED = 1000;

/**
 * Imports a file, showing what it is taken for, how far it is and what came of it. Rejects as
 * `importCatalog` does, or where the file cannot be opened.
 */
export const importCatalogFile = async ({
  path,
  output,
  ...options
}: FileImportOptions): Promise<ImportReport> => {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const progress = createProgress({ output, totalBytes: size, now: options.now });
    const source = file.createReadStream({ autoClose: false }) as AsyncIterable<Buffer>;
    const report = await importCatalog({
      ...options,
      source,
      onForm: (description) => void output.write(`${path}: ${description}\n`),
      onProgress: progress.show,
    });
    progress.end(report.ended === 'completed');
    const maxListed = output.isTTY === true ? MAX_LISTED_ON_TERMINAL : MAX_LISTED;
    output.write(summarise(report, { maxListed }));
    return report;
  } finally {
    await file.close();
  }
};
