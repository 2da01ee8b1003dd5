import { parse } from 'csv-parse/sync';
import { CatalogFormatError, countKnownNames } from './catalog-columns.js';

export type Separator = ',' | ';' | '\t';

export interface CatalogText {
  readonly separator: Separator;
  /** The whole file, without a byte order mark. */
  readonly bytes: AsyncIterable<Buffer>;
}

/** Read to detect the format before the first row; longer than any first line. */
const HEAD_BYTES = 64 * 1024;

/**
 * Detects the column separator from the first bytes of a file. Throws CatalogFormatError and closes
 * the source if the file is empty or is not UTF-8 text.
 */
export const openCatalogText = async (source: AsyncIterable<Buffer>): Promise<CatalogText> => {
  const chunks = source[Symbol.asyncIterator]();
  try {
    let head: Buffer = Buffer.alloc(0);
    while (head.length < HEAD_BYTES) {
      const next = await chunks.next();
      if (next.done === true) break;
      head = Buffer.concat([head, next.value]);
    }
    const marked = head.subarray(0, UTF8_MARK.length).equals(UTF8_MARK);
    const text = marked ? head.subarray(UTF8_MARK.length) : head;
    const problem = formatProblemOf(text);
    if (problem !== undefined) throw new CatalogFormatError(problem);
    return { separator: separatorOf(text.toString('utf8')), bytes: joined(text, chunks) };
  } catch (error) {
    await chunks.return?.();
    throw error;
  }
};

async function* joined(head: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  try {
    yield head;
    for (;;) {
      const next = await rest.next();
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    await rest.return?.();
  }
}

const UTF8_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

/** The first bytes of files passed by mistake, one character per byte. */
const OTHER_FILES: readonly (readonly [beginning: string, problem: string])[] = [
  ['\xff\xfe', 'The file is UTF-16 text: save it as UTF-8.'],
  ['\xfe\xff', 'The file is UTF-16 text: save it as UTF-8.'],
  ['\x1f\x8b', 'The file is compressed by gzip: unpack it first.'],
  ['BZh', 'The file is compressed by bzip2: unpack it first.'],
  ['\xfd7zXZ', 'The file is compressed by xz: unpack it first.'],
  ['\x28\xb5\x2f\xfd', 'The file is compressed by zstd: unpack it first.'],
  ['7z\xbc\xaf', 'The file is a 7-Zip archive: unpack it first.'],
  ['\xd0\xcf\x11\xe0', 'The file is an Excel workbook: save it as CSV in UTF-8.'],
  ['SQLite format 3', 'The file is a SQLite database, not CSV.'],
  ['PAR1', 'The file is Parquet, not CSV.'],
  ['%PDF-', 'The file is a PDF, not CSV.'],
  [
    'version https://git-lfs',
    'The file is a pointer of Git LFS: "git lfs pull" fetches the file itself.',
  ],
];

const ZIP = 'PK\x03\x04';

const formatProblemOf = (head: Buffer): string | undefined => {
  const bytes = head.toString('latin1');
  const other = OTHER_FILES.find(([beginning]) => bytes.startsWith(beginning));
  if (other !== undefined) return other[1];
  if (bytes.startsWith(ZIP)) {
    return bytes.includes('[Content_Types].xml')
      ? 'The file is an Excel workbook: save it as CSV in UTF-8.'
      : 'The file is a ZIP archive: unpack it first.';
  }
  const text = bytes.trimStart();
  const firstLine = /^[^\r\n]*/.exec(text)?.[0] ?? '';
  if (firstLine === '') return 'The file is empty: it has no header line.';
  if (firstLine.includes('\0')) return 'The file is binary or UTF-16, not text in UTF-8.';
  if (text.startsWith('<')) return 'The file is a web page or XML, not CSV.';
  if (text.startsWith('{') || text.startsWith('[')) return 'The file is JSON, not CSV.';
  return undefined;
};

const SEPARATORS: readonly Separator[] = [',', ';', '\t'];

/** The separator that gives the first line the most known columns, else the most columns. */
const separatorOf = (head: string): Separator => {
  const tried = SEPARATORS.map((separator) => {
    const header = firstRecord(head, separator);
    return { separator, known: countKnownNames(header), columns: header.length };
  });
  tried.sort((a, b) => b.known - a.known || b.columns - a.columns);
  return tried[0]?.separator ?? ',';
};

const firstRecord = (head: string, delimiter: Separator): readonly string[] => {
  const records: string[][] = parse(head, { delimiter, ...ONE_RECORD });
  return records[0] ?? [];
};

const ONE_RECORD = {
  to: 1,
  record_delimiter: ['\r\n', '\n', '\r'],
  relax_quotes: true,
  skip_empty_lines: true,
  skip_records_with_error: true,
};
