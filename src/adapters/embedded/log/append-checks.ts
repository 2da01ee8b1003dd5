import type { RawEvent } from './event-log.js';
import { isReserved } from './link-streams.js';

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** SQLite ends a text at NUL, and folds lone surrogates into one character: both would mix streams up. */
const checkName = (what: string, name: string): void => {
  if (name === '' || name.includes('\0') || !name.isWellFormed()) {
    throw new TypeError(`A ${what} is a well-formed text without NUL, and not empty.`);
  }
};

export const checkStream = (stream: string): void => {
  checkName('stream name', stream);
  if (isReserved(stream)) throw new TypeError('Only the log itself makes links in $ce- and $et-.');
};

export const checkEvents = (events: readonly RawEvent[]): void => {
  for (const event of events) {
    checkName('event type', event.type);
    if (!UUID.test(event.id)) throw new TypeError('An event id is a UUID.');
  }
};

/** The size that limits an append, counted as EventStoreDB counts it. */
export const sizeOnDisk = (events: readonly RawEvent[]): number =>
  events.reduce(
    (sum, { data, metadata, type }) =>
      sum + data.byteLength + metadata.byteLength + 2 * type.length,
    0,
  );
