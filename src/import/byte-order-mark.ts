import { CatalogFormatError } from './catalog-columns.js';

const UTF8_MARK = Buffer.from([0xef, 0xbb, 0xbf]);
const UTF16_MARKS = [Buffer.from([0xff, 0xfe]), Buffer.from([0xfe, 0xff])];

/**
 * The same bytes without the mark that some programs begin UTF-8 files with. Throws
 * CatalogFormatError where the mark says UTF-16.
 */
export async function* withoutByteOrderMark(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let start: Buffer | undefined = Buffer.alloc(0);
  for await (const chunk of source) {
    if (start === undefined) {
      yield chunk;
      continue;
    }
    start = Buffer.concat([start, chunk]);
    if (start.length < UTF8_MARK.length) continue;
    yield unmarked(start);
    start = undefined;
  }
  if (start !== undefined && start.length > 0) yield unmarked(start);
}

const unmarked = (start: Buffer): Buffer => {
  if (UTF16_MARKS.some((mark) => mark.equals(start.subarray(0, mark.length)))) {
    throw new CatalogFormatError('The file is UTF-16 text: save it as UTF-8.');
  }
  const marked = UTF8_MARK.equals(start.subarray(0, UTF8_MARK.length));
  return marked ? start.subarray(UTF8_MARK.length) : start;
};
