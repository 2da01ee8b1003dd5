import { type Database, openDatabase } from '../sqlite.js';
import type { LogRecord } from './event-log.js';
import { isLinkStream, LINK_TYPE } from './link-rules.js';
import { linkMetadata } from './links.js';
import {
  firstVisible,
  isMetastream,
  METADATA_TYPE,
  metastreamOf,
  NO_METADATA,
  originalOf,
  parseMetadata,
} from './stream-metadata.js';
import { TOMBSTONE, toRevision } from './writer-protocol.js';

/** An event as a projection reads it; its texts are decoded when they are asked for. */
interface SourceEvent {
  readonly stream: string;
  /** The revision; -1 for the event of a deletion. */
  readonly revision: number;
  readonly type: string;
  readonly isJson: boolean;
  readonly id: string;
  /** The size of data and metadata. */
  readonly bytes: number;
  data(): string;
  metadata(): string;
  linkMetadata(): string;
}

/** Something that was read, whether or not there is an event to process. */
export interface SourceItem {
  /** The number in the stream, or the position in the log. */
  readonly number: number;
  readonly position: number;
  readonly event: SourceEvent | undefined;
  /** The stream whose deletion this is. */
  readonly deletes: string | undefined;
}

export interface PageLimit {
  readonly items: number;
  /** A page holds one event more at most. */
  readonly bytes: number;
}

interface SourcePage {
  readonly items: readonly SourceItem[];
  /** Whether there is nothing more up to the position. */
  readonly drained: boolean;
}

export interface ProjectionSource {
  /** Items of a stream after a number, up to a position of the log. */
  ofStream(stream: string, after: number, upTo: number, limit: PageLimit): SourcePage;
  /** Items of the log after a position. */
  ofLog(after: number, upTo: number, limit: PageLimit, includeLinks: boolean): SourcePage;
  stateOf(run: number, partition: string): string | undefined;
  close(): void;
}

type SourceEventRow = readonly [
  position: number,
  stream: string,
  revision: number,
  id: string,
  type: string,
  created: number,
  isJson: number,
  dataLength: number,
  payload: Uint8Array,
  streamId: number,
];

/**
 * Followed by the event's number in what is read, the link's own target if it has one, and whether the stream
 * may hide the event.
 */
type FoundRow = readonly [
  ...SourceEventRow,
  number: number,
  target: Uint8Array | null,
  limited: number,
];

type SourceColumns = SourceEventRow | FoundRow;

interface Visible {
  readonly from: number;
  readonly createdSince: number;
}

const SOURCE_COLUMNS =
  'e.position, s.name, e.revision, e.id, e.type, e.created, e.is_json, e.data_length, e.payload, e.stream';
const FROM_EVENTS = 'FROM events e JOIN streams s ON s.id = e.stream';
/** Only streams with metadata or a tombstone hide events; most have neither. */
const LIMITED = `
  EXISTS (SELECT 1 FROM streams m WHERE m.name = '$$' || s.name)
  OR EXISTS (SELECT 1 FROM events t WHERE t.stream = e.stream AND t.revision = ${TOMBSTONE})`;

/** Streams whose visibility is remembered. */
const MAX_VISIBLE_STREAMS = 20_000;

const utf8Of = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');

const statementsOf = (db: Database) => {
  const prepare = (sql: string) => {
    const statement = db.prepare(sql);
    statement.setReturnArrays(true);
    return statement;
  };
  return {
    streamId: prepare('SELECT id FROM streams WHERE name = ?'),
    last: prepare('SELECT max(revision) FROM events WHERE stream = ?'),
    one: prepare(`SELECT ${SOURCE_COLUMNS} ${FROM_EVENTS} WHERE e.stream = ? AND e.revision = ?`),
    ofStream: prepare(`
      SELECT ${SOURCE_COLUMNS}, e.revision, NULL, 0 ${FROM_EVENTS}
      WHERE e.stream = ? AND e.revision >= ? AND e.position <= ? ORDER BY e.revision LIMIT ?`),
    ofLog: prepare(`
      SELECT ${SOURCE_COLUMNS}, e.position, NULL, 0 ${FROM_EVENTS}
      WHERE e.position > ? AND e.position <= ? ORDER BY e.position LIMIT ?`),
    ofLinks: prepare(`
      SELECT l.position, ${SOURCE_COLUMNS.replace('e.position, ', '')}, l.number, l.target, ${LIMITED}
      FROM links l LEFT JOIN events e ON e.position = l.position
        LEFT JOIN streams s ON s.id = e.stream
      WHERE l.link_stream = (SELECT id FROM link_streams WHERE name = ?)
        AND l.number > ? AND l.position <= ? ORDER BY l.number LIMIT ?`),
    state: prepare('SELECT state, result FROM projection_states WHERE run = ? AND partition = ?'),
  };
};

/** A connection of its own to the log's file, so that a projection's thread reads without the others. */
export const openProjectionSource = (path: string): ProjectionSource => {
  const db = openDatabase(path, { readOnly: true });
  db.exec('PRAGMA cache_size = -2000');
  const sql = statementsOf(db);
  /** What readers may see of each stream; looked up again for newer events, because it changes. */
  const visible = new Map<string, Visible | 'deleted'>();
  let visibleFor = -1;

  const idOf = (stream: string): number | undefined =>
    (sql.streamId.get(stream) as [number] | undefined)?.[0];

  const lastOf = (id: number): number => (sql.last.get(id) as [number | null])[0] ?? -1;

  const metadataOf = (stream: string) => {
    const id = isMetastream(stream) ? undefined : idOf(metastreamOf(stream));
    const row =
      id === undefined ? undefined : (sql.one.get(id, lastOf(id)) as SourceEventRow | undefined);
    return row === undefined ? NO_METADATA : parseMetadata(metadataEventOf(row));
  };

  const visibilityOf = (stream: string, id: number): Visible | 'deleted' => {
    const known = visible.get(stream);
    if (known !== undefined) return known;
    const last = lastOf(id);
    const metadata = metadataOf(stream);
    const { maxAgeMs } = metadata;
    const found =
      last === TOMBSTONE
        ? 'deleted'
        : {
            from: firstVisible(metadata, last),
            createdSince: maxAgeMs === null ? 0 : Date.now() - maxAgeMs,
          };
    visible.set(stream, found);
    return found;
  };

  const startPage = (upTo: number): void => {
    if (upTo === visibleFor && visible.size <= MAX_VISIBLE_STREAMS) return;
    visible.clear();
    visibleFor = upTo;
  };

  const isVisible = (stream: string, id: number, revision: number, created: number): boolean => {
    const range = visibilityOf(stream, id);
    return range !== 'deleted' && revision >= range.from && created >= range.createdSince;
  };

  /** What a link names, where readers may see it. */
  const resolve = (target: string, link: () => string): SourceEvent | undefined => {
    const at = target.indexOf('@');
    const [revision, stream] = [Number(target.slice(0, at)), target.slice(at + 1)];
    if (at < 1 || !Number.isSafeInteger(revision)) return undefined;
    const id = idOf(stream);
    const row =
      id === undefined ? undefined : (sql.one.get(id, revision) as SourceEventRow | undefined);
    if (id === undefined || row === undefined) return undefined;
    return isVisible(stream, id, row[2], row[5]) ? sourceEventOf(row, link) : undefined;
  };

  const resolved = (row: SourceColumns): SourceEvent | undefined => {
    if (row[4] !== LINK_TYPE) return sourceEventOf(row);
    const link = sourceEventOf(row);
    return resolve(link.data(), () => link.metadata());
  };

  const itemOfLink = (linkStream: string, row: FoundRow): SourceItem => {
    const [position, name, revision, , , created, , , , streamId, number, target, limited] = row;
    const nothing = { number, position, event: undefined, deletes: undefined };
    if (linkStream.startsWith('$ce-') && isMetastream(name)) {
      return { ...nothing, deletes: originalOf(name) };
    }
    const link = (): string =>
      linkMetadata({ stream: name, revision: toRevision(revision), linkStream, position });
    if (target !== null) return { ...nothing, event: resolve(utf8Of(target), link) };
    const seen = limited === 0 || isVisible(name, streamId, revision, created);
    return seen ? { ...nothing, event: sourceEventOf(row, link) } : nothing;
  };

  /** Reads row by row, because a page of the largest events would not fit into memory. */
  const pageOf = (
    found: Iterable<unknown>,
    limit: PageLimit,
    itemOf: (row: FoundRow) => SourceItem,
  ): SourcePage => {
    const items: SourceItem[] = [];
    let bytes = 0;
    for (const row of found as Iterable<FoundRow>) {
      const item = isStored(row)
        ? itemOf(row)
        : { number: row[10], position: row[0], event: undefined, deletes: undefined };
      items.push(item);
      bytes += item.event?.bytes ?? 0;
      if (bytes > limit.bytes) return { items, drained: false };
    }
    return { items, drained: items.length < limit.items };
  };

  return {
    ofStream: (stream, after, upTo, limit) => {
      startPage(upTo);
      if (isLinkStream(stream)) {
        const found = sql.ofLinks.iterate(stream, after, upTo, limit.items);
        return pageOf(found, limit, (row) => itemOfLink(stream, row));
      }
      const id = idOf(stream);
      const range = id === undefined ? 'deleted' : visibilityOf(stream, id);
      if (id === undefined || range === 'deleted') return { items: [], drained: true };
      const from = Math.min(Math.max(after + 1, range.from), Number.MAX_SAFE_INTEGER);
      const found = sql.ofStream.iterate(id, from, upTo, limit.items);
      return pageOf(found, limit, (row) => ({
        number: row[10],
        position: row[0],
        event: row[5] >= range.createdSince ? resolved(row) : undefined,
        deletes: undefined,
      }));
    },
    ofLog: (after, upTo, limit, includeLinks) => {
      startPage(upTo);
      const found = sql.ofLog.iterate(after, upTo, limit.items);
      return pageOf(found, limit, (row) => ({
        number: row[10],
        position: row[0],
        event: row[4] === LINK_TYPE && !includeLinks ? undefined : resolved(row),
        deletes: deletedBy(row),
      }));
    },
    stateOf: (run, partition) => {
      const row = sql.state.get(run, partition);
      return row === undefined ? undefined : JSON.stringify(row);
    },
    close: () => db.close(),
  };
};

/** A scavenged event leaves its link behind, whose position is all there is. */
const isStored = (row: SourceColumns): boolean => (row[1] as string | null) !== null;

const sourceEventOf = (row: SourceColumns, link?: () => string): SourceEvent => {
  const [, stream, revision, id, type, , isJson, dataLength, payload] = row;
  const metadata = (): string => utf8Of(payload.subarray(dataLength));
  const deletes = revision === TOMBSTONE;
  return {
    stream,
    revision: deletes ? -1 : revision,
    type,
    isJson: isJson === 1 && !deletes,
    id,
    bytes: payload.byteLength,
    data: () => utf8Of(payload.subarray(0, dataLength)),
    metadata,
    linkMetadata: link ?? metadata,
  };
};

const metadataEventOf = (row: SourceColumns): Pick<LogRecord, 'type' | 'data'> => ({
  type: row[4],
  data: row[8].subarray(0, row[7]),
});

const deletedBy = (row: SourceColumns): string | undefined => {
  if (row[2] === TOMBSTONE) return row[1];
  if (row[4] !== METADATA_TYPE || !isMetastream(row[1])) return undefined;
  return parseMetadata(metadataEventOf(row)).softDeleted ? originalOf(row[1]) : undefined;
};
