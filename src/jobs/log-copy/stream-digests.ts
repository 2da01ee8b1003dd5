import { createHash } from 'node:crypto';
import { nulFree, openPrepared, transaction, withNul } from '../../embedded-eventstore/sqlite.js';
import type { RecordedEvent } from '../../ports/event-store.js';
import { comparableMetadata } from './metadata-copies.js';

type CopySide = 'source' | 'target';

export interface DifferentStream {
  readonly stream: string;
  readonly source: StreamDigest;
  readonly target: StreamDigest;
}

export interface StreamDigest {
  readonly events: number;
  /** The last revision; null without an event. */
  readonly last: string | null;
  readonly sha256: string | null;
}

export interface StreamDigests {
  /** Adds events in log order. Those of the target count only in streams that the source has. */
  readonly add: (side: CopySide, events: readonly RecordedEvent[]) => void;
  /** Remembers the latest metadata of streams. */
  readonly addMetadata: (events: readonly RecordedEvent[]) => void;
  readonly different: () => readonly DifferentStream[];
  /** The streams with metadata, a page of them. */
  readonly metadataAfter: (
    stream: string | null,
    limit: number,
  ) => readonly { readonly metastream: string; readonly sha256: string }[];
  readonly counts: () => { readonly streams: number; readonly events: number };
  readonly close: () => void;
}

/** Bounds the list, which is held in memory. */
const MAX_DIFFERENT = 1_000;

/**
 * Event count, last revision and hash of each stream, for source and target. Kept in a temporary SQLite file,
 * deleted on close, so that memory does not grow with the number of streams.
 */
export const createStreamDigests = (): StreamDigests => {
  const db = openPrepared('', (opened) => {
    for (const side of ['source', 'target']) {
      opened.exec(`CREATE TABLE ${side} (
        name TEXT PRIMARY KEY, events INTEGER NOT NULL, last TEXT NOT NULL, digest BLOB NOT NULL
      ) STRICT, WITHOUT ROWID`);
    }
    opened.exec(
      'CREATE TABLE metadata (name TEXT PRIMARY KEY, digest TEXT NOT NULL) STRICT, WITHOUT ROWID',
    );
    opened.exec('PRAGMA cache_size = -16000');
  });
  const rows = (sql: string) => {
    const statement = db.prepare(sql);
    statement.setReturnArrays(true);
    return statement;
  };
  const known = {
    source: rows('SELECT events, digest FROM source WHERE name = ?'),
    target: rows('SELECT events, digest FROM target WHERE name = ?'),
  };
  const keep = {
    source: db.prepare('INSERT OR REPLACE INTO source VALUES (?, ?, ?, ?)'),
    target: db.prepare('INSERT OR REPLACE INTO target VALUES (?, ?, ?, ?)'),
  };
  const keepMetadata = db.prepare('INSERT OR REPLACE INTO metadata VALUES (?, ?)');
  const metadata = rows('SELECT name, digest FROM metadata WHERE name > ? ORDER BY name LIMIT ?');
  const differing = rows(`
    SELECT s.name, s.events, s.last, s.digest, t.events, t.last, t.digest
    FROM source s LEFT JOIN target t ON t.name = s.name
    WHERE t.name IS NULL OR s.digest <> t.digest LIMIT ${MAX_DIFFERENT}`);
  const totals = rows('SELECT count(*), coalesce(sum(events), 0) FROM source');

  const addTo = (side: CopySide, name: string, events: readonly RecordedEvent[]): void => {
    const before = known[side].get(name) as [number, Uint8Array] | undefined;
    const digest = events.reduce(hashAfter, before?.[1] ?? NO_DIGEST);
    const last = String(events.at(-1)?.revision);
    keep[side].run(name, (before?.[0] ?? 0) + events.length, last, digest);
  };

  return {
    add: (side, events) =>
      transaction(db, () => {
        for (const [stream, own] of eventsByStream(events)) {
          const name = nulFree(stream);
          if (side === 'source' || known.source.get(name) !== undefined) addTo(side, name, own);
        }
      }),
    addMetadata: (events) =>
      transaction(db, () => {
        for (const { stream, data } of events) {
          keepMetadata.run(nulFree(stream), sha256OfMetadata(data));
        }
      }),
    different: () =>
      (differing.all() as DifferentRow[]).map(([name, events, last, digest, ...target]) => ({
        stream: withNul(name),
        source: { events, last, sha256: hexOf(digest) },
        target: { events: target[0] ?? 0, last: target[1], sha256: hexOf(target[2]) },
      })),
    metadataAfter: (stream, limit) =>
      (metadata.all(stream === null ? '' : nulFree(stream), limit) as [string, string][]).map(
        ([name, sha256]) => ({ metastream: withNul(name), sha256 }),
      ),
    counts: () => {
      const [streams, events] = totals.get() as [number, number];
      return { streams, events };
    },
    close: () => db.close(),
  };
};

type DifferentRow = [
  name: string,
  events: number,
  last: string,
  digest: Uint8Array,
  targetEvents: number | null,
  targetLast: string | null,
  targetDigest: Uint8Array | null,
];

const hexOf = (digest: Uint8Array | null): string | null =>
  digest === null ? null : Buffer.from(digest).toString('hex');

const NO_DIGEST = new Uint8Array();

/** Chains the hash of each event with the previous one, so that order counts. */
export const hashAfter = (before: Uint8Array, event: RecordedEvent): Uint8Array => {
  const { revision, id, type, isJson, recordedAt, data, metadata } = event;
  const head = [revision, id.toLowerCase(), type, isJson, recordedAt, data.byteLength];
  return createHash('sha256')
    .update(before)
    .update(head.join('\n'))
    .update(data)
    .update(metadata)
    .digest();
};

const eventsByStream = (events: readonly RecordedEvent[]): ReadonlyMap<string, RecordedEvent[]> => {
  const groups = new Map<string, RecordedEvent[]>();
  for (const event of events) {
    const group = groups.get(event.stream);
    if (group === undefined) groups.set(event.stream, [event]);
    else group.push(event);
  }
  return groups;
};

export const sha256OfMetadata = (data: Uint8Array): string =>
  createHash('sha256').update(comparableMetadata(data)).digest('hex');
