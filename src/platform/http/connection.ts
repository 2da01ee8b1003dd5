import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** How long one turn starts requests before the event loop continues with other work. */
const TURN_MS = 10;
const MAX_PER_TURN = 32;

export interface Turns {
  /** Runs the task now or, if others wait, after them in a later turn of the event loop. */
  run(task: () => void): void;
  /** For pipelined requests: one per turn, after all others. */
  runLast(task: () => void): void;
  /** Makes the next turn a short one. */
  shorten(): void;
}

/**
 * Runs tasks in the order in which they come, some in each turn of the event loop. Node accepts one
 * connection per turn: if a turn started every pending request, clients with many connections would
 * delay new connections.
 */
export const createTurns = (): Turns => {
  const waiting: (() => void)[] = [];
  const last: (() => void)[] = [];
  let endsAt = 0;
  let scheduled = false;
  let short = false;

  const begin = (): void => {
    endsAt = performance.now() + (short ? 0 : TURN_MS);
    short = false;
    scheduled = true;
    setImmediate(turn);
    // One callback each, so that their microtasks count towards the time of the turn.
    const more = Math.min(waiting.length, MAX_PER_TURN);
    for (let count = 1; count < more; count += 1) setImmediate(runNext);
    setImmediate(runOneOfTheLast);
  };
  const turn = (): void => {
    scheduled = false;
    if (waiting.length + last.length === 0) return;
    begin();
    waiting.shift()?.();
  };
  const runNext = (): void => {
    if (performance.now() < endsAt) waiting.shift()?.();
  };
  const runOneOfTheLast = (): void => last.shift()?.();

  return {
    run: (task) => {
      if (!scheduled) begin();
      if (waiting.length === 0 && performance.now() < endsAt) task();
      else waiting.push(task);
    },
    runLast: (task) => {
      last.push(task);
      if (!scheduled) begin();
    },
    shorten: () => (short = true),
  };
};

interface Exchange {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
}

export interface HttpConnectionOptions {
  readonly socket: Socket;
  readonly app: RequestListener;
  readonly turns: Pick<Turns, 'run' | 'runLast'>;
  /** Responds to a request that could not be parsed, and closes. */
  readonly refuse: (error: NodeJS.ErrnoException) => void;
}

export interface Connection {
  accept(req: IncomingMessage, res: ServerResponse): void;
  /** The request could not be parsed, or did not arrive in time. */
  fail(error: NodeJS.ErrnoException): void;
  isResponding(): boolean;
  /** Whether part of a response has been sent. */
  isHalfSent(): boolean;
  /** Marks the current response as the last. */
  closeAfterResponse(): void;
}

/** Bounds how many requests are parsed at once, however many were sent. */
const SLICE_BYTES = 1024;

/**
 * Handles the requests of one connection one after the other. Node parses everything that has
 * arrived and starts every request in it, so a client that reads no responses could fill the memory.
 * Here the parser is fed in small slices, and not while a request is being handled: the rest waits
 * as bytes, first in our buffer, then at the client. A `readable` listener allows such pulling.
 */
export const createConnection = (options: HttpConnectionOptions): Connection => {
  const { socket, app, turns, refuse } = options;
  /** Oldest first; the first one is being handled. */
  const exchanges: Exchange[] = [];
  let failure: NodeJS.ErrnoException | undefined;
  /** Whether the next request arrived before the response to the previous one. */
  let pipelined = false;

  const mayRead = (): boolean => {
    // An ended connection gets no response, and unread responses must not pile up.
    if (failure !== undefined || !socket.writable || socket.writableNeedDrain) return false;
    const [current, waiting] = exchanges;
    if (current === undefined) return true;
    // Read the rest of its body as fast as the app consumes it.
    const { complete, readableLength, readableHighWaterMark } = current.req;
    return waiting === undefined && !complete && readableLength < readableHighWaterMark;
  };

  const read = (): void => {
    for (let bytes = socket.readableLength; bytes > 0 && mayRead(); bytes = socket.readableLength) {
      socket.read(Math.min(bytes, SLICE_BYTES));
    }
    // Without this, the end of the stream is not noticed while a request is being handled.
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
    // Clients that send one request at a time come first.
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
      // While a response is due, the client would take this one for it.
      if (exchanges[0]?.req.complete !== true) refuse(error);
    },
    isResponding: () => exchanges.length > 0,
    isHalfSent: () => exchanges[0]?.res.headersSent === true,
    closeAfterResponse: () => {
      const response = exchanges[0]?.res;
      if (response?.headersSent === false) response.setHeader('Connection', 'close');
    },
  };
};
