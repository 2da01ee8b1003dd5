import { randomUUID } from 'node:crypto';
import type { EventLog, LogSubscriptionItem } from '../log/event-log.js';
import type { ReadRequest } from './read-request.js';
import { caughtUp, checkpoint, confirmation } from './read-response.js';
import { streamDeleted, unavailable } from './rpc-error.js';
import type { Sink } from './sink.js';

type Request<Kind> = Extract<ReadRequest, { readonly kind: Kind }>;

export const subscribeToStream = async (
  log: EventLog,
  { stream, after }: Request<'subscribe-stream'>,
  sink: Sink,
  signal: AbortSignal,
): Promise<void> => {
  await sink.send(confirmation(randomUUID()));
  for await (const item of log.subscribeStream({ stream, after, signal })) {
    if (item.kind === 'deleted') throw streamDeleted(stream);
    // Only a filter makes checkpoints worth sending.
    if (item.kind !== 'checkpoint') await forward(item, sink);
  }
  end(signal);
};

export const subscribeToAll = async (
  log: EventLog,
  { after, filter, checkpointEvery }: Request<'subscribe-all'>,
  sink: Sink,
  signal: AbortSignal,
): Promise<void> => {
  const filtering = filter === undefined ? {} : { filter };
  const pace = checkpointEvery === undefined ? {} : { checkpointEvery };
  await sink.send(confirmation(randomUUID()));
  for await (const item of log.subscribeAll({ after, ...filtering, ...pace, signal })) {
    if (item.kind !== 'checkpoint' || filter !== undefined) await forward(item, sink);
  }
  end(signal);
};

const forward = (item: LogSubscriptionItem, sink: Sink): Promise<void> | undefined => {
  switch (item.kind) {
    case 'event':
      return sink.sendEvent(item.event);
    case 'checkpoint':
      return sink.send(checkpoint(item.position));
    case 'caught-up':
      return sink.send(caughtUp());
    case 'deleted':
      return undefined;
  }
};

/** A subscription has no end of its own: it is cancelled, or the log was closed under it. */
const end = (signal: AbortSignal): never => {
  signal.throwIfAborted();
  throw unavailable('The log was closed.');
};
