import type { Acknowledged } from './commands.js';
import type { Environment } from './environment.js';
import type { NoAnswerError, ProblemError } from './errors.js';
import type { SchemaClick, SchemaRating, SchemaView } from './generated/commands.js';

interface Identified {
  /** Its idempotency key; generated where it is absent. */
  readonly id?: string;
}

export type TrackedCommand =
  | ({ readonly type: 'click' } & SchemaClick & Identified)
  | ({ readonly type: 'view' } & SchemaView & Identified)
  | ({ readonly type: 'rating' } & SchemaRating & Identified);

/** What became of a tracked command. */
export type TrackResult =
  | { readonly kind: 'recorded'; readonly acknowledged: Acknowledged }
  /** The service refused it, or nobody knows what became of it. */
  | { readonly kind: 'failed'; readonly error: ProblemError | NoAnswerError }
  /** It was never sent: the queue was full or closed. */
  | { readonly kind: 'dropped' };

/** A command in the queue. */
export interface TrackedEntry {
  readonly id: string;
  readonly text: string;
  readonly bytes: number;
  readonly settle: (result: TrackResult) => void;
  readonly settled: Promise<TrackResult>;
  /** Without its time, if that is only when it was queued, by a clock that may be wrong. */
  readonly undated: string | undefined;
}

export const entryOf = (
  command: TrackedCommand,
  { now, newKey }: Pick<Environment, 'now' | 'newKey'>,
): TrackedEntry => {
  let settle: TrackedEntry['settle'] = () => undefined;
  const settled = new Promise<TrackResult>((resolve) => void (settle = resolve));
  const identified = { id: newKey(), ...command };
  const dated = { occurred_at: new Date(now()).toISOString(), ...identified };
  const text = JSON.stringify(dated);
  return {
    id: identified.id,
    text,
    bytes: new TextEncoder().encode(text).length,
    settle,
    settled,
    undated: command.occurred_at === undefined ? JSON.stringify(identified) : undefined,
  };
};

/** The entry as it is sent again after the service refused its time. */
export const withoutTime = (entry: TrackedEntry, undated: string): TrackedEntry => ({
  ...entry,
  text: undated,
  undated: undefined,
});

export const bodyOf = (entries: readonly TrackedEntry[]): string =>
  `[${entries.map(({ text }) => text).join()}]`;

/** The first entries that fit into a body of so many bytes; one at least. */
export const firstOf = (
  entries: readonly TrackedEntry[],
  limits: { readonly bytes: number; readonly entries: number },
): TrackedEntry[] => {
  let bytes = 1;
  const end = entries.slice(0, limits.entries).findIndex((entry) => {
    bytes += entry.bytes + 1;
    return bytes > limits.bytes;
  });
  return entries.slice(0, end === -1 ? limits.entries : Math.max(1, end));
};

/** What browsers send after a page is gone: all requests of the page together. */
export const AFTER_PAGE_BYTES = 64 * 1024;

/**
 * Gives the entries to the browser, which sends them although the page may be gone: the first ones,
 * as many as it takes. Returns their number. Other scripts of the page use the same allowance, so a
 * body that is not taken is halved.
 */
export const handOver = (
  entries: readonly TrackedEntry[],
  send: (body: string) => boolean,
): number => {
  let taken = 0;
  let bytes = AFTER_PAGE_BYTES;
  while (taken < entries.length) {
    const next = firstOf(entries.slice(taken), { bytes, entries: entries.length });
    const body = bodyOf(next);
    if (send(body)) taken += next.length;
    else if (next.length === 1) break;
    else bytes = Math.min(bytes, body.length) / 2;
  }
  return taken;
};
