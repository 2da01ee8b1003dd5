import { Readable } from 'node:stream';
import { parse } from 'csv-parse';
import type { DetailsGiven } from '../domain/commands.js';
import type { AnimeId } from '../domain/ids.js';
import { CatalogFormatError, readColumns, type CatalogColumns } from './catalog-columns.js';
import { mapRow, type MappedRow } from './catalog-row.js';
import { withoutByteOrderMark } from './byte-order-mark.js';

interface Place {
  /** Where the row begins, counted from 1 as an editor does, quoted line breaks included. */
  readonly line: number;
  /** Bytes of the source up to the end of the row, for progress. */
  readonly bytesRead: number;
}

export type CatalogRow = Place &
  (
    | { readonly kind: 'title'; readonly animeId: AnimeId; readonly details: DetailsGiven }
    | { readonly kind: 'rejected'; readonly reason: string }
  );

/** One character per byte until a row is looked at, so that one bad byte costs one row. */
const BYTES = 'latin1';

interface ParsedRecord {
  readonly record: readonly string[];
  readonly raw: string;
}

/** No row is this long: a quote was left open. */
const MAX_ROW_BYTES = 1024 * 1024;

/**
 * Reads a catalogue of either form row by row. Memory holds one chunk, and one number per title
 * (to tell a repeated id). Throws CatalogFormatError where the header, or the file, is no catalogue.
 */
export async function* readCatalog(source: AsyncIterable<Buffer>): AsyncGenerator<CatalogRow> {
  // The parser's own errors drop the rows before them; a skipped record ends the file in order.
  let brokenAt: string | undefined;
  const parser = parse({
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
  const feed = Readable.from(untilBroken(withoutByteOrderMark(source), () => brokenAt));
  feed.on('error', (error) => parser.destroy(error));
  feed.pipe(parser);

  let place: Place = { line: 1, bytesRead: 0 };
  let columns: CatalogColumns | undefined;
  const firstLines = new Map<AnimeId, number>();
  try {
    for await (const { record, raw } of parser as unknown as AsyncIterable<ParsedRecord>) {
      const { line } = place;
      place = { line: line + lineBreaks(raw), bytesRead: place.bytesRead + raw.length };
      if (isBlank(record)) continue;
      if (columns === undefined) columns = readColumns(headerOf(record));
      else
        yield {
          ...withoutRepeat(map(record, columns), line, firstLines),
          line,
          bytesRead: place.bytesRead,
        };
    }
  } finally {
    feed.destroy();
    parser.destroy();
  }
  if (brokenAt !== undefined) {
    const reason = 'a quote that opens here is never closed: nothing from here on could be read';
    yield { kind: 'rejected', reason, ...place };
  } else if (columns === undefined) {
    throw new CatalogFormatError('The file is empty: it has not even a first line.');
  }
}

async function* untilBroken(source: AsyncIterable<Buffer>, broken: () => string | undefined) {
  for await (const chunk of source) {
    yield chunk;
    if (broken() !== undefined) return;
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

const textOf = (cells: readonly string[]): readonly string[] | undefined => {
  try {
    return cells.map((cell) => utf8.decode(Buffer.from(cell, BYTES)));
  } catch {
    return undefined;
  }
};

const headerOf = (record: readonly string[]): readonly string[] => {
  const header = textOf(record);
  if (header === undefined) throw new CatalogFormatError('The first line is not UTF-8 text.');
  return header;
};

const map = (record: readonly string[], columns: CatalogColumns): MappedRow => {
  const cells = textOf(record);
  return cells === undefined
    ? { kind: 'rejected', reason: 'is not UTF-8 text' }
    : mapRow(cells, columns);
};

const withoutRepeat = (
  row: MappedRow,
  line: number,
  firstLines: Map<AnimeId, number>,
): MappedRow => {
  if (row.kind === 'rejected') return row;
  const firstLine = firstLines.get(row.animeId);
  if (firstLine !== undefined) {
    return { kind: 'rejected', reason: `repeats the id ${row.animeId} of line ${firstLine}` };
  }
  firstLines.set(row.animeId, line);
  return row;
};

const isBlank = (record: readonly string[]): boolean => record.length === 1 && record[0] === '';

const LINE_BREAK = /\r\n|\r|\n/g;

/** The parser's own count is wrong for CRLF inside quotes. */
const lineBreaks = (raw: string): number => raw.match(LINE_BREAK)?.length ?? 0;
