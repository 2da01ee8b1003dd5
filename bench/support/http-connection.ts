import { connect } from 'node:net';

export interface Answer {
  readonly status: number;
  /** Header lines and body as they came. */
  readonly head: string;
  readonly body: string;
}

export interface Connection {
  /** One request at a time. Rejects when the server hangs up. */
  send(request: Buffer): Promise<Answer>;
  close(): void;
}

const HEAD_END = '\r\n\r\n';
const LAST_CHUNK = '0\r\n\r\n';

/**
 * A keep-alive connection that does as little as it can: the client runs on the same cores as the
 * server that it measures. Understands Content-Length and chunked answers, one at a time.
 */
export const openConnection = async (port: number): Promise<Connection> => {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  let pending: { resolve: (answer: Answer) => void; reject: (error: Error) => void } | undefined;
  let received = '';
  const fail = (error: Error) => {
    const waiting = pending;
    pending = undefined;
    waiting?.reject(error);
  };
  socket.setEncoding('latin1');
  socket.on('data', (chunk: string) => {
    received = received === '' ? chunk : received + chunk;
    const answer = parseAnswer(received);
    if (answer === undefined) return;
    received = '';
    const waiting = pending;
    pending = undefined;
    waiting?.resolve(answer);
  });
  socket.on('error', fail);
  socket.on('close', () => fail(new Error('The server closed the connection.')));
  return {
    send: (request) =>
      new Promise((resolve, reject) => {
        pending = { resolve, reject };
        if (socket.destroyed) fail(new Error('The connection is closed.'));
        else socket.write(request);
      }),
    close: () => void socket.destroy(),
  };
};

const CONTENT_LENGTH = /\r\ncontent-length: *(\d+)/i;

/** The answer once all of it is there. */
const parseAnswer = (received: string): Answer | undefined => {
  const headEnd = received.indexOf(HEAD_END);
  if (headEnd === -1) return undefined;
  const head = received.slice(0, headEnd);
  const bodyAt = headEnd + HEAD_END.length;
  const length = CONTENT_LENGTH.exec(head)?.[1];
  const complete =
    length === undefined
      ? received.endsWith(LAST_CHUNK)
      : received.length - bodyAt >= Number(length);
  if (!complete) return undefined;
  return { status: Number(received.slice(9, 12)), head, body: received.slice(bodyAt) };
};
