import type { Response } from 'express';

/** A response of server-sent events. */
export interface MessageStream {
  /**
   * Resolves when the client has taken all earlier messages, or is gone. `resumeId` then goes with
   * the next message.
   */
  ready(resumeId: (() => string | undefined) | undefined): Promise<void>;
  /** Sends until the body ends, the client is gone, or the service closes. */
  send(body: AsyncGenerator<string, void, undefined>): Promise<void>;
}

const STREAM_HEADERS = {
  'Content-Type': 'text/event-stream; charset=utf-8',
  // A proxy that compresses or buffers would hold messages back.
  'Cache-Control': 'no-store, no-transform',
  'X-Accel-Buffering': 'no',
};

/** How soon a browser connects again, in milliseconds. */
const RETRY = 'retry: 2000\n\n';
const MESSAGE = 'event: next\n';
const HEARTBEAT_COMMENT = ':\n\n';

/** Ends with the signal at once, without the message that says that a subscription is complete. */
export const openMessageStream = (res: Response, closing: AbortSignal): MessageStream => {
  let isOver = res.destroyed;
  /** The position of the message that is on its way. */
  let due: { readonly id: string | undefined; readonly sent: () => void } | undefined;
  let resumeId: () => string | undefined = () => undefined;
  let sent: Promise<void> = Promise.resolve();
  let stop = (): void => undefined;

  const framed = (chunk: string): string => {
    const id = due === undefined ? resumeId() : chunk.startsWith(MESSAGE) ? due.id : undefined;
    if (id === undefined) return chunk;
    return chunk === HEARTBEAT_COMMENT ? `:\nid: ${id}\n\n` : `id: ${id}\n${chunk}`;
  };

  const drained = (): Promise<void> =>
    new Promise((resolve) => {
      stop = resolve;
      res.once('drain', resolve);
    });

  const write = async (chunk: string): Promise<void> => {
    const isMessage = chunk.startsWith(MESSAGE);
    if (!res.write(framed(chunk))) await drained();
    if (!isMessage) return;
    due?.sent();
    due = undefined;
  };

  return {
    ready: async (positionOf) => {
      await sent;
      if (positionOf !== undefined) resumeId = positionOf;
      const id = resumeId();
      sent = new Promise((resolve) => (due = { id, sent: resolve }));
      if (isOver) due?.sent();
    },

    send: async (body) => {
      const end = (): void => {
        isOver = true;
        stop();
        due?.sent();
        void body.return();
      };
      res.once('close', end);
      closing.addEventListener('abort', end, { once: true });
      if (closing.aborted || res.destroyed) end();
      try {
        if (!isOver) {
          res.writeHead(200, STREAM_HEADERS);
          res.write(RETRY);
        }
        for await (const chunk of body) {
          if (isOver) break;
          await write(chunk);
        }
      } finally {
        res.off('close', end);
        closing.removeEventListener('abort', end);
        // A client that does not read would hold up the shutdown.
        if (res.writableNeedDrain) res.destroy();
        else res.end();
      }
    },
  };
};
