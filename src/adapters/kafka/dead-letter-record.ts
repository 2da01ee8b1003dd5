import type { DeadLetter } from '../../ports/dead-letters.js';
import type { BusRecord } from '../../ports/event-bus.js';

const MAX_VALUE_BYTES = 64 * 1024;

/** The value stays as it came, so that any tool can look at it; what is known of it is in headers. */
export const toLetterRecord = (letter: DeadLetter): BusRecord => {
  const { stream, revision, source, reason, value, at } = letter;
  return {
    key: stream ?? source,
    value: value?.subarray(0, MAX_VALUE_BYTES) ?? null,
    headers: {
      ...(stream === null ? {} : { stream }),
      ...(revision === null ? {} : { revision: String(revision) }),
      ...{ source, reason, at },
    },
  };
};

/** A record that somebody else put there is listed as well as it can be. */
export const toLetter = ({ key, value, headers }: BusRecord, writtenAt: number): DeadLetter => {
  const { stream, revision, source, reason, at } = headers;
  return {
    stream: stream ?? null,
    revision: revision !== undefined && /^\d{1,15}$/.test(revision) ? Number(revision) : null,
    source: source ?? key,
    reason: reason ?? 'No reason was given.',
    value,
    at: at ?? new Date(writtenAt).toISOString(),
  };
};

/** A letter without a stream and revision is known by where it came from. */
export const letterKey = ({ stream, revision, source }: DeadLetter): string =>
  JSON.stringify(stream === null || revision === null ? [source] : [stream, revision]);
