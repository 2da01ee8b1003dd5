import { LRUCache } from 'lru-cache';
import type { Database } from '../sqlite.js';
import { messageOf, rollBack } from './group-transaction.js';
import { linksOf } from './link-streams.js';
import { toRevision, type FromWriter } from './writer-protocol.js';

/** Bounds how long a transaction of the index makes appends wait. */
const EVENTS_PER_SLICE = 500;
const LINK_STREAMS = 10_000;

type Indexed = Extract<FromWriter, { readonly kind: 'indexed' }>;

type Row = [
  position: number,
  stream: number,
  name: string,
  revision: number,
  type: string,
  created: number,
];

interface LinkStream {
  readonly id: number;
  next: number;
}

/**
 * Numbers the links to the next events of the log and notes how far it got, in one transaction:
 * whatever happens, each event is numbered once, in the order of the log.
 */
export const linkSlice = (db: Database) => {
  const prepare = (sql: string) => {
    const statement = db.prepare(sql);
    statement.setReturnArrays(true);
    return statement;
  };
  const reached = prepare('SELECT position FROM links_reached');
  const reach = db.prepare('INSERT OR REPLACE INTO links_reached VALUES (1, ?)');
  const following = prepare(`
    SELECT position, stream, name, revision, type, created
    FROM events JOIN streams ON streams.id = events.stream
    WHERE position > ? ORDER BY position LIMIT ${EVENTS_PER_SLICE}`);
  const payload = prepare('SELECT data_length, payload FROM events WHERE position = ?');
  const find = prepare('SELECT id FROM link_streams WHERE name = ?');
  const last = prepare('SELECT max(number) FROM links WHERE link_stream = ?');
  const add = prepare('INSERT INTO link_streams (name) VALUES (?) RETURNING id');
  const insert = db.prepare('INSERT INTO links VALUES (?, ?, ?, ?, ?, ?, ?)');

  const known = new LRUCache<string, LinkStream>({ max: LINK_STREAMS });

  const load = (name: string): LinkStream => {
    const found = find.get(name) as [number] | undefined;
    if (found === undefined) return { id: (add.get(name) as [number])[0], next: 0 };
    return { id: found[0], next: ((last.get(found[0]) as [number | null])[0] ?? -1) + 1 };
  };

  const linkStream = (name: string): LinkStream => {
    const cached = known.get(name);
    if (cached !== undefined) return cached;
    const loaded = load(name);
    known.set(name, loaded);
    return loaded;
  };

  const dataAt = (position: number): Uint8Array => {
    const [length, bytes] = payload.get(position) as [number, Uint8Array];
    return bytes.subarray(0, length);
  };

  const insertLinks = ([position, stream, name, revision, type, created]: Row): void => {
    const links = linksOf({
      stream: name,
      revision: toRevision(revision),
      type,
      data: () => dataAt(position),
    });
    for (const { linkStream: to, target } of links) {
      const list = linkStream(to);
      insert.run(list.id, list.next, position, stream, revision, created, target ?? null);
      list.next += 1;
    }
  };

  const slice = (): Indexed => {
    const [after] = (reached.get() as [number] | undefined) ?? [0];
    const rows = following.all(after) as Row[];
    const position = rows.at(-1)?.[0] ?? after;
    db.exec('BEGIN IMMEDIATE');
    rows.forEach(insertLinks);
    reach.run(position);
    db.exec('COMMIT');
    return { kind: 'indexed', position, more: rows.length === EVENTS_PER_SLICE };
  };

  return (): Indexed => {
    try {
      // A power loss may undo it: then the same events get the same numbers again. What lets the
      // scavenger delete them comes later in the same file and is undone before it.
      db.exec('PRAGMA synchronous = NORMAL');
      return slice();
    } catch (error) {
      rollBack(db);
      known.clear();
      return { kind: 'indexed', position: 0, more: false, failure: messageOf(error) };
    } finally {
      db.exec('PRAGMA synchronous = FULL');
    }
  };
};
