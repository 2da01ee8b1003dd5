import { STATUS_CODES, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { PROBLEM_MEDIA_TYPE, Problem, problemDocument } from './problem.js';

/** What the HTTP parser refuses before there is a request, by its error code. */
const REFUSALS: Readonly<Record<string, Problem>> = {
  ERR_HTTP_REQUEST_TIMEOUT: new Problem(408, 'The request took too long to arrive.'),
  HPE_HEADER_OVERFLOW: new Problem(431, 'The headers are too large.'),
  HPE_CHUNK_EXTENSIONS_OVERFLOW: new Problem(413, 'The chunk extensions are too large.'),
};

const UNREADABLE = new Problem(400, 'This is not a valid HTTP request.');

/**
 * Answers on the bare socket and closes it. When part of an earlier answer is already on its way,
 * another one would be taken for its rest, so the connection is only closed.
 */
export const answerClientError = (
  error: NodeJS.ErrnoException,
  socket: Socket,
  underWay: ReadonlySet<ServerResponse>,
): void => {
  const halfSent = [...underWay].some((res) => res.socket === socket && res.headersSent);
  if (error.code === 'ECONNRESET' || !socket.writable || halfSent) {
    socket.destroy(error);
    return;
  }
  const problem = REFUSALS[error.code ?? ''] ?? UNREADABLE;
  const body = JSON.stringify(problemDocument(problem));
  const head = [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? ''}`,
    `Content-Type: ${PROBLEM_MEDIA_TYPE}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
};
