import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Turns } from './turns.js';

interface Exchange {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
}

export interface ConnectionOptions {
  readonly socket: Socket;
  readonly app: RequestListener;
  readonly turns: Pick<Turns, 'run' | 'runLast'>;
  /** Answers what could not be read as a request, and closes. */
  readonly refuse: (error: NodeJS.ErrnoException) => void;
}

export interface Connection {
  accept(req: IncomingMessage, res: ServerResponse): void;
  /** What came could not be read as a request, or not in time. */
  fail(error: NodeJS.ErrnoException): void;
  isAnswering(): boolean;
  /** Whether part of a response is on its way. */
  isHalfAnswered(): boolean;
  /** Lets the response under way say that it is the last. */
  closeAfterResponse(): void;
}

/** As many requests as fit in here are parsed at once, however many were sent. */
const SLICE_BYTES = 1024;

/**
 * Answers the requests of one connection one after the other. Node parses all that has arrived and
 * would start every request in it, so that a client that reads no answer fills the memory. Here the
 * parser is fed little by little, and nothing while a request is under way: the rest waits as bytes,
 * first ours, then the client's. A `readable` listener is how a stream lets its reader decide.
 */
export const createConnection = (options: ConnectionOptions): Connection => {
  const { socket, app, turns, refuse } = options;
  /** The oldest first, which is under way. */
  const exchanges: Exchange[] = [];
  let failure: NodeJS.ErrnoException | undefined;
  /** Whether the next request was there before the one before it was answered. */
  let pipelined = false;

  const mayRead = (): boolean => {
    // What an ended connection sends is not answered, and what is not taken must not grow.
    if (failure !== undefined || !socket.writable || socket.writableNeedDrain) return false;
    const [current, waiting] = exchanges;
    if (current === undefined) return true;
    // The rest of its body, as fast as it is read.
    const { complete, readableLength, readableHighWaterMark } = current.req;
    return waiting === undefined && !complete && readableLength < readableHighWaterMark;
  };

  const read = (): void => {
    for (let bytes = socket.readableLength; bytes > 0 && mayRead(); bytes = socket.readableLength) {
      socket.read(Math.min(bytes, SLICE_BYTES));
    }
    // Lets a stream end that has ended: the client has gone, which is noticed while it is answered too.
    if (socket.readableLength === 0) socket.read(0);
  };
  const readOn = (): void => {
    if (socket.readableLength > 0) read();
  };

  const start = (): void => {
    const task = (): void => {
      const current = exchanges[0];
      if (current !== undefined && socket.writable) app(current.req, current.res);
    };
    // Those that send one request at a time come first.
    if (pipelined) turns.runLast(task);
    else turns.run(task);
  };

  const next = (): void => {
    exchanges.shift();
    pipelined = exchanges.length > 0 || socket.readableLength > 0;
    if (exchanges.length > 0) start();
    else if (failure !== undefined) refuse(failure);
    else readOn();
  };

  socket.on('readable', read).on('resume', readOn).on('drain', readOn);
  socket.once('close', () => (exchanges.length = 0));

  return {
    accept: (req, res) => {
      exchanges.push({ req, res });
      res.once('close', next);
      if (exchanges.length === 1) start();
    },
    fail: (error) => {
      failure = error;
      // Another answer would be taken for the one that is awaited.
      if (exchanges[0]?.req.complete !== true) refuse(error);
    },
    isAnswering: () => exchanges.length > 0,
    isHalfAnswered: () => exchanges[0]?.res.headersSent === true,
    closeAfterResponse: () => {
      const response = exchanges[0]?.res;
      if (response?.headersSent === false) response.setHeader('Connection', 'close');
    },
  };
};
