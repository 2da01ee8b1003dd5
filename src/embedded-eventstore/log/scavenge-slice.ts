import { messageOf, rollBack } from './group-transaction.js';
import type { Database } from '../sqlite.js';
import type { FromWriter } from './writer-protocol.js';

const STREAMS_PER_SLICE = 50;
const EVENTS_PER_STREAM = 200;

type Scavenged = Extract<FromWriter, { readonly kind: 'scavenged' }>;

/**
 * Deletes what `$maxCount` hides, some streams at a time so that appends never wait long. A
 * stream's last event is never deleted: revisions and positions go on counting from it. Nor is an
 * event that is not indexed yet, once there is an index of links.
 */
export const scavengeSlice = (db: Database) => {
  const kept = db.prepare(
    'SELECT stream, max_count FROM retention WHERE stream > ? ORDER BY stream LIMIT ?',
  );
  kept.setReturnArrays(true);
  const remove = db.prepare(`
    DELETE FROM events WHERE position IN (
      SELECT position FROM events
      WHERE stream = ?1 AND created < ?3
        AND position <= coalesce((SELECT position FROM links_reached), position)
        AND revision <= (SELECT max(revision) FROM events WHERE stream = ?1) - ?2
      ORDER BY revision LIMIT ${EVENTS_PER_STREAM})`);

  const slice = (afterStream: number, createdBefore: number): Scavenged => {
    const streams = kept.all(afterStream, STREAMS_PER_SLICE) as [number, number][];
    let deleted = 0;
    db.exec('BEGIN');
    for (const [stream, maxCount] of streams) {
      deleted += changesOf(remove.run(stream, maxCount, createdBefore));
    }
    db.exec('COMMIT');
    const nextStream = streams.length < STREAMS_PER_SLICE ? null : (streams.at(-1)?.[0] ?? null);
    return { kind: 'scavenged', deleted, nextStream };
  };

  return (afterStream: number, createdBefore: number): Scavenged => {
    try {
      return slice(afterStream, createdBefore);
    } catch (error) {
      rollBack(db);
      return { kind: 'scavenged', deleted: 0, nextStream: null, failure: messageOf(error) };
    }
  };
};

const changesOf = (result: unknown): number =>
  Number((result as { readonly changes: number | bigint }).changes);
