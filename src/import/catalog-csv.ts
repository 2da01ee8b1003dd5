import { Readable } from 'node:stream';
import { parse } from 'csv-parse';
import {
  areDetails,
  type DetailName,
  DETAILS,
  type DetailsGiven,
  detailsProblems,
} from '../domain/details.js';
import { type AnimeId, isAnimeId, MAX_ANIME_ID } from '../domain/ids.js';
import { strictUtf8 } from '../ports/json.js';
import { excerpt, readDetail, wholeNumberIn } from './catalog-cells.js';
import {
  type CatalogColumns,
  CatalogFormatError,
  describeColumns,
  recogniseColumns,
} from './catalog-columns.js';
import { type CatalogText, openCatalogText, type Separator } from './catalog-file.js';

type MappedRow =
  | { readonly kind: 'title'; readonly animeId: AnimeId; readonly details: DetailsGiven }
  | { readonly kind: 'rejected'; readonly reason: string };

/**
 * Maps a row to a title to list, or to one sentence with everything that is wrong. A detail that is
 * unknown in the row is left out, so the catalogue keeps its value; `clear` sets it to unknown.
 */
const mapRow = (
  cells: readonly string[],
  columns: CatalogColumns,
  { clear = false }: { readonly clear?: boolean } = {},
): MappedRow => {
  const { id, details: places } = columns;
  const idCell = cells[id] ?? '';
  const animeId = wholeNumberIn(idCell.trim());
  if (!isAnimeId(animeId)) {
    return rejected(`the id "${excerpt(idCell)}" is not a whole number from 1 to ${MAX_ANIME_ID}`);
  }
  const details: Partial<Record<DetailName, unknown>> = {};
  for (const [name, index] of Object.entries(places)) {
    const detail = name as DetailName;
    const value = readDetail(detail, cells[index] ?? '');
    if (value !== undefined) details[detail] = value;
    else if (clear) details[detail] = DETAILS[detail].kind === 'texts' ? [] : null;
  }
  return areDetails(details)
    ? { kind: 'title', animeId, details }
    : rejected(problemsOf(details, columns, cells));
};

const rejected = (reason: string): MappedRow => ({ kind: 'rejected', reason });

const problemsOf = (
  details: Readonly<Record<string, unknown>>,
  columns: CatalogColumns,
  cells: readonly string[],
): string =>
  detailsProblems(details)
    .map(({ field, index, reason }) => {
      const name = index === undefined ? field : `${field}[${index}]`;
      return `${name} ${reason}: "${excerpt(cells[columns.details[field] ?? -1] ?? '')}"`;
    })
    .join('; ');

interface RowPlace {
  /** The first line of the row, counted from 1 like an editor, quoted line breaks included. */
  readonly line: number;
  /** Bytes of the source up to the end of the row, for progress. */
  readonly bytesRead: number;
}

export type CatalogRow = RowPlace &
  (
    | { readonly kind: 'title'; readonly animeId: AnimeId; readonly details: DetailsGiven }
    | { readonly kind: 'rejected'; readonly reason: string }
  );

export interface CatalogOptions {
  /** Sets a detail that is unknown in a row to unknown, instead of leaving it out. */
  readonly clear?: boolean;
  /** Called before the first row with the format and the columns used: one line for a person. */
  readonly onForm?: (description: string) => void;
}

/** Limits of the sample from which the contents of columns are recognised. */
const SAMPLE_ROWS = 1000;
const SAMPLE_BYTES = 1024 * 1024;

/**
 * Reads a catalogue row by row. Memory holds the sample, one chunk, and one number per title (to
 * tell a repeated id). Throws CatalogFormatError if the file is not a catalogue, or if no row of
 * the sample can be read.
 */
export async function* readCatalog(
  source: AsyncIterable<Buffer>,
  { clear = false, onForm }: CatalogOptions = {},
): AsyncGenerator<CatalogRow> {
  const text = await openCatalogText(source);
  const records = readRecords(text);
  try {
    const header = await readHeader(records);
    const sample = await readSample(records, header.length);
    const cells = sample.flatMap((record) => (record.kind === 'cells' ? [record.cells] : []));
    if (cells.length === 0) throw noneReadable(sample);
    const columns = recogniseColumns(header, cells);
    const mapped = mapping((row) => mapRow(row, columns, { clear }));
    const rows = sample.map(mapped);
    if (rows.every(({ kind }) => kind === 'rejected')) throw noneReadable(rows);
    onForm?.(`${SEPARATOR_NAMES[text.separator]} separated, ${describeColumns(columns)}`);
    yield* rows;
    for await (const record of records) yield mapped(ofWidth(record, header.length));
  } finally {
    await records.return(undefined);
  }
}

const SEPARATOR_NAMES: Readonly<Record<Separator, string>> = {
  ',': 'comma',
  ';': 'semicolon',
  '\t': 'tab',
};

interface Rejected {
  readonly kind: 'rejected';
  readonly reason: string;
}

type CatalogRecord = RowPlace &
  ({ readonly kind: 'cells'; readonly cells: readonly string[] } | Rejected);

const readHeader = async (records: AsyncGenerator<CatalogRecord>): Promise<readonly string[]> => {
  const { value: first } = (await records.next()) as IteratorResult<CatalogRecord, undefined>;
  if (first === undefined) {
    throw new CatalogFormatError('The file is empty: it has no header line.');
  }
  if (first.kind === 'cells') return first.cells;
  throw new CatalogFormatError(`The first line cannot be read: ${first.reason}.`);
};

const readSample = async (
  records: AsyncGenerator<CatalogRecord>,
  width: number,
): Promise<readonly CatalogRecord[]> => {
  const sample: CatalogRecord[] = [];
  let startedAt: number | undefined;
  while (sample.length < SAMPLE_ROWS) {
    const next = await records.next();
    if (next.done === true) break;
    sample.push(ofWidth(next.value, width));
    startedAt ??= next.value.bytesRead;
    if (next.value.bytesRead - startedAt > SAMPLE_BYTES) break;
  }
  return sample;
};

const ofWidth = (record: CatalogRecord, width: number): CatalogRecord => {
  if (record.kind === 'rejected' || record.cells.length === width) return record;
  const { cells, line, bytesRead } = record;
  const reason = `has ${cells.length} columns where the header has ${width}`;
  return { kind: 'rejected', reason, line, bytesRead };
};

const noneReadable = (rejected: readonly (CatalogRecord | CatalogRow)[]): CatalogFormatError => {
  const [first] = rejected;
  if (first?.kind !== 'rejected') {
    return new CatalogFormatError('The file has no rows after its header line.');
  }
  const { line, reason } = first;
  return new CatalogFormatError(`None of the first rows can be read. Line ${line}: ${reason}.`);
};

/** Rejects a row that repeats an id. */
const mapping = (map: (cells: readonly string[]) => MappedRow) => {
  const firstLines = new Map<AnimeId, number>();
  return (record: CatalogRecord): CatalogRow => {
    if (record.kind === 'rejected') return record;
    const { line, bytesRead } = record;
    const row = map(record.cells);
    if (row.kind === 'rejected') return { ...row, line, bytesRead };
    const firstLine = firstLines.get(row.animeId);
    if (firstLine !== undefined) {
      const reason = `repeats the id ${row.animeId} of line ${firstLine}`;
      return { kind: 'rejected', reason, line, bytesRead };
    }
    firstLines.set(row.animeId, line);
    return { ...row, line, bytesRead };
  };
};

/** One character per byte until a row is decoded, so that a bad byte costs only its row. */
const BYTES = 'latin1';

/** A longer row means that a quote was left open. */
const MAX_ROW_BYTES = 1024 * 1024;

interface ParsedRecord {
  readonly record: readonly string[];
  readonly raw: string;
}

/** The header and rows of a file, without blank lines. */
async function* readRecords({ bytes, separator }: CatalogText): AsyncGenerator<CatalogRecord> {
  // The parser's own errors drop the rows before them; a skipped record ends the file in order.
  let brokenAt: string | undefined;
  const parser = parse({
    delimiter: separator,
    encoding: BYTES,
    raw: true,
    record_delimiter: ['\r\n', '\n', '\r'],
    relax_column_count: true,
    relax_quotes: true,
    max_record_size: MAX_ROW_BYTES,
    skip_records_with_error: true,
    on_record: (record) => (brokenAt === undefined ? record : null),
    on_skip: (error) => {
      brokenAt ??= error?.code ?? 'unreadable';
      return undefined;
    },
  });
  const feed = Readable.from(untilBroken(bytes, () => brokenAt));
  feed.on('error', (error) => parser.destroy(error));
  feed.pipe(parser);

  let line = 1;
  let bytesRead = 0;
  try {
    for await (const { record, raw } of parser as unknown as AsyncIterable<ParsedRecord>) {
      bytesRead += raw.length;
      if (!isBlank(record)) yield { ...decodedRecord(record), line, bytesRead };
      line += lineBreaks(raw);
    }
  } finally {
    feed.destroy();
    parser.destroy();
  }
  if (brokenAt === undefined) return;
  const reason = 'a quote that opens here is never closed: nothing after it could be read';
  yield { kind: 'rejected', reason, line, bytesRead };
}

async function* untilBroken(source: AsyncIterable<Buffer>, broken: () => string | undefined) {
  for await (const chunk of source) {
    yield chunk;
    if (broken() !== undefined) return;
  }
}

const decodedRecord = (record: readonly string[]) => {
  try {
    const cells = record.map((cell) => strictUtf8.decode(Buffer.from(cell, BYTES)));
    return { kind: 'cells', cells } as const;
  } catch {
    return { kind: 'rejected', reason: 'not UTF-8 text' } as const;
  }
};

const isBlank = (record: readonly string[]): boolean => record.length === 1 && record[0] === '';

const LINE_BREAK = /\r\n|\r|\n/g;

/** The parser's own count is wrong for CRLF inside quotes. */
const lineBreaks = (raw: string): number => raw.match(LINE_BREAK)?.length ?? 0;
