import { LRUCache } from 'lru-cache';
import { type Database, rollBack } from '../sqlite.js';
import { errorText } from './group-transaction.js';
import { FAMILIES, hasLinks, type LinkFamily } from './link-rules.js';
import { type FromLogWriter, toRevision } from './writer-protocol.js';

/** Limits how long an indexing transaction delays appends. */
const EVENTS_PER_SLICE = 100;
const LINK_STREAMS = 10_000;

type IndexedSlice = Extract<FromLogWriter, { readonly kind: 'indexed' }>;

type LinkableRow = [
  position: number,
  stream: number,
  name: string,
  revision: number,
  type: string,
  created: number,
];

/** This family needs no turning on: it begins with the first read of a link stream. */
const ALWAYS_ON = 1;

interface FamilyState {
  readonly family: LinkFamily;
  readonly position: number;
}

interface LinkStream {
  readonly id: number;
  next: number;
}

/**
 * Numbers the links to the next events and stores the progress in one transaction, so each event is
 * numbered exactly once, in log order.
 */
export const linkSlice = (db: Database) => {
  const prepare = (sql: string) => {
    const statement = db.prepare(sql);
    statement.setReturnArrays(true);
    return statement;
  };
  const states = prepare('SELECT id, position, enabled FROM links_reached');
  const reach = db.prepare(
    `INSERT INTO links_reached (id, position) VALUES (?, ?)
     ON CONFLICT (id) DO UPDATE SET position = excluded.position`,
  );
  const following = prepare(`
    SELECT position, stream, name, revision, type, created
    FROM events JOIN streams ON streams.id = events.stream
    WHERE position > ? AND position <= ? ORDER BY position LIMIT ${EVENTS_PER_SLICE}`);
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

  const partsAt = (
    position: number,
  ): { readonly data: Uint8Array; readonly metadata: Uint8Array } => {
    const [length, bytes] = payload.get(position) as [number, Uint8Array];
    return { data: bytes.subarray(0, length), metadata: bytes.subarray(length) };
  };

  const insertLinks = (
    families: readonly LinkFamily[],
    [position, stream, name, revision, type, created]: LinkableRow,
  ): void => {
    if (!hasLinks(name)) return;
    const event = {
      stream: name,
      revision: toRevision(revision),
      type,
      data: () => partsAt(position).data,
      metadata: () => partsAt(position).metadata,
    };
    for (const { linkStream: to, target } of families.flatMap((each) => each.linksOf(event))) {
      const list = linkStream(to);
      insert.run(list.id, list.next, position, stream, revision, created, target ?? null);
      list.next += 1;
    }
  };

  /** The families that are turned on, with how far each is. */
  const active = (): readonly FamilyState[] => {
    const rows = states.all() as [id: number, position: number, enabled: number][];
    return FAMILIES.flatMap((family) => {
      const row = rows.find(([id]) => id === family.id);
      if (row === undefined) return family.id === ALWAYS_ON ? [{ family, position: 0 }] : [];
      return row[2] === 1 ? [{ family, position: row[1] }] : [];
    });
  };

  /** A family that was turned on later catches up first, then is indexed together with the others. */
  const slice = (): IndexedSlice => {
    const all = active();
    const after = Math.min(...all.map(({ position }) => position));
    const behind = all.filter(({ position }) => position === after);
    const ahead = all.filter(({ position }) => position > after);
    const upTo = Math.min(Number.MAX_SAFE_INTEGER, ...ahead.map(({ position }) => position));
    const rows = following.all(after, upTo) as LinkableRow[];
    const isFull = rows.length === EVENTS_PER_SLICE;
    const end = rows.at(-1)?.[0] ?? after;
    const position = ahead.length > 0 && !isFull ? upTo : end;
    const families = behind.map(({ family }) => family);
    db.exec('BEGIN IMMEDIATE');
    for (const row of rows) insertLinks(families, row);
    for (const { id } of families) reach.run(id, position);
    db.exec('COMMIT');
    return { kind: 'indexed', position, more: isFull || ahead.length > 0 };
  };

  return (): IndexedSlice => {
    try {
      // A power loss may undo this; the same events then get the same numbers again. The deletions
      // that depend on it come later in the same file and are undone first.
      db.exec('PRAGMA synchronous = NORMAL');
      return slice();
    } catch (error) {
      rollBack(db);
      known.clear();
      return { kind: 'indexed', position: 0, more: false, failure: errorText(error) };
    } finally {
      db.exec('PRAGMA synchronous = FULL');
    }
  };
};

type LinksTurned = Extract<FromLogWriter, { readonly kind: 'links-turned' }>;

/** A family that is turned on again continues where it was turned off. */
export const turnLinks = (db: Database) => {
  const set = db.prepare(
    `INSERT INTO links_reached (id, position, enabled) VALUES (?, 0, ?)
     ON CONFLICT (id) DO UPDATE SET enabled = excluded.enabled`,
  );
  return (family: number, on: boolean): LinksTurned => {
    try {
      set.run(family, on ? 1 : 0);
      return { kind: 'links-turned' };
    } catch (error) {
      rollBack(db);
      return { kind: 'links-turned', failure: errorText(error) };
    }
  };
};
