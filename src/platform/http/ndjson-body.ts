import { isUtf8 } from 'node:buffer';
import type { Request } from 'express';
import { BYTE_ORDER_MARK, mediaTypeOf, parseJson, requireUtf8 } from './json-body.js';
import { Problem } from './problem.js';

const NDJSON_TYPE = /^application\/x-ndjson$/i;

export const isNdjson = (req: Request): boolean => NDJSON_TYPE.test(mediaTypeOf(req));

/** What a line holds, or why it cannot be read. */
export type Line = { readonly value: unknown } | { readonly problem: Problem };

export interface LineLimits {
  readonly bytes: number;
  readonly lineBytes: number;
  /** At most so many lines are yielded together. */
  readonly together: number;
}

export const TOO_LARGE = new Problem(413, 'The body is too large.');
const NOT_UTF8 = new Problem(400, 'The body is not valid UTF-8.');
const ENDED_EARLY = new Problem(400, 'The body ended too early.');
const NEWLINE = 0x0a;

/**
 * Reads a body of newline-delimited JSON in groups of lines, and no further while a group is handled.
 * A line that cannot be read is one entry of its own; blank lines are left out. Throws 413 once the
 * body is too large, and 415 if it is compressed or in another charset.
 */
export async function* readLines(req: Request, limits: LineLimits): AsyncGenerator<Line[]> {
  requireUtf8(req);
  const encoding = req.headers['content-encoding']?.toLowerCase() ?? 'identity';
  if (encoding !== 'identity') {
    throw new Problem(415, 'The content encoding of the body is not supported.');
  }
  const lines = createLineSplitter(limits.lineBytes);
  let bytes = 0;
  for await (const chunk of bodyChunks(req)) {
    bytes += chunk.length;
    if (bytes > limits.bytes) throw TOO_LARGE;
    lines.push(chunk);
    // One chunk may hold thousands of short lines.
    while (lines.complete.length >= limits.together) {
      yield lines.complete.splice(0, limits.together);
    }
  }
  lines.end();
  if (lines.complete.length > 0) yield lines.complete;
}

async function* bodyChunks(req: Request): AsyncGenerator<Buffer> {
  // The request outlives an early end: its response has to be sent.
  const chunks = req.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
  try {
    yield* chunks;
  } catch (error) {
    throw req.complete ? error : ENDED_EARLY;
  }
}

const createLineSplitter = (lineBytes: number) => {
  const complete: Line[] = [];
  let rest: Buffer[] = [];
  let restBytes = 0;
  let isFirst = true;

  const keep = (part: Buffer): void => {
    restBytes += part.length;
    // A line beyond the limit is refused, so the rest of it is not kept.
    if (restBytes <= lineBytes) rest.push(part);
  };
  const endLine = (): void => {
    const line =
      restBytes > lineBytes ? { problem: TOO_LARGE } : lineOf(Buffer.concat(rest), isFirst);
    isFirst = false;
    rest = [];
    restBytes = 0;
    if (line !== undefined) complete.push(line);
  };
  return {
    complete,
    push: (chunk: Buffer): void => {
      let from = 0;
      for (let to = chunk.indexOf(NEWLINE); to !== -1; to = chunk.indexOf(NEWLINE, from)) {
        keep(chunk.subarray(from, to));
        endLine();
        from = to + 1;
      }
      if (from < chunk.length) keep(chunk.subarray(from));
    },
    end: (): void => {
      if (restBytes > 0) endLine();
    },
  };
};

const lineOf = (bytes: Buffer, isFirst: boolean): Line | undefined => {
  if (!isUtf8(bytes)) return { problem: NOT_UTF8 };
  const decoded = bytes.toString('utf8');
  const text = isFirst ? decoded.replace(BYTE_ORDER_MARK, '') : decoded;
  if (text.trim() === '') return undefined;
  try {
    return { value: parseJson(text) };
  } catch (error) {
    if (error instanceof Problem) return { problem: error };
    throw error;
  }
};
