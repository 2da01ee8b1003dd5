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

/** An event as a projection reads it, and its place in the stream or log that it was found in. */
interface SourceEvent {
  readonly stream: string;
  /** The revision; -1 for the event of a deletion. */
  readonly revision: number;
  readonly type: string;
  readonly isJson: boolean;
  readonly data: string;
  readonly metadata: string;
  readonly id: string;
  readonly linkMetadata: string;
  readonly position: number;
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

type SourceEventRow = [
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

type FoundItem = [number: number, position: number, target: Uint8Array | null];

interface Visible {
  readonly from: number;
  readonly createdSince: number;
}

const SOURCE_COLUMNS =
  'e.position, s.name, e.revision, e.id, e.type, e.created, e.is_json, e.data_length, e.payload, e.stream';
const EVENTS = `SELECT ${SOURCE_COLUMNS} FROM events e JOIN streams s ON s.id = e.stream`;

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
    one: prepare(`${EVENTS} WHERE e.stream = ? AND e.revision = ?`),
    at: prepare(`${EVENTS} WHERE e.position = ?`),
    // Positions alone, from the index: the events are read one by one, until the page is full.
    ofStream: prepare(`
      SELECT revision, position, NULL FROM events
      WHERE stream = ? AND revision >= ? AND position <= ? ORDER BY revision LIMIT ?`),
    ofLog: prepare(`
      SELECT position, position, NULL FROM events
      WHERE position > ? AND position <= ? ORDER BY position LIMIT ?`),
    ofLinks: prepare(`
      SELECT number, position, target FROM links
      WHERE link_stream = (SELECT id FROM link_streams WHERE name = ?)
        AND number > ? AND position <= ? ORDER BY number LIMIT ?`),
    state: prepare('SELECT state, result FROM projection_states WHERE run = ? AND partition = ?'),
  };
};

/** A connection of its own to the log's file, so that a projection's thread reads without the others. */
export const openProjectionSource = (path: string): ProjectionSource => {
  const db = openDatabase(path, { readOnly: true });
  db.exec('PRAGMA cache_size = -2000');
  const sql = statementsOf(db);
  /** What readers may see of each stream; of one page, because it changes. */
  let visible = new Map<string, Visible | 'deleted'>();

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

  const isVisible = (stream: string, id: number, revision: number, created: number): boolean => {
    const range = visibilityOf(stream, id);
    return range !== 'deleted' && revision >= range.from && created >= range.createdSince;
  };

  /** What a link names, where readers may see it. */
  const resolve = (target: string, link: string): SourceEvent | undefined => {
    const at = target.indexOf('@');
    const [revision, stream] = [Number(target.slice(0, at)), target.slice(at + 1)];
    if (at < 1 || !Number.isSafeInteger(revision)) return undefined;
    const id = idOf(stream);
    const row =
      id === undefined ? undefined : (sql.one.get(id, revision) as SourceEventRow | undefined);
    if (id === undefined || row === undefined) return undefined;
    return isVisible(stream, id, row[2], row[5]) ? sourceEventOf(row, link) : undefined;
  };

  const resolved = (row: SourceEventRow): SourceEvent | undefined => {
    if (row[4] !== LINK_TYPE) return sourceEventOf(row);
    const { data, metadata } = sourceEventOf(row);
    return resolve(data, metadata);
  };

  const itemOfLink = (
    linkStream: string,
    [number, position, target]: FoundItem,
    row: SourceEventRow,
  ): SourceItem => {
    const nothing = { number, position, event: undefined, deletes: undefined };
    const [, name, revision, , , created] = row;
    if (linkStream.startsWith('$ce-') && isMetastream(name)) {
      return { ...nothing, deletes: originalOf(name) };
    }
    const place = { stream: name, revision: toRevision(revision), linkStream, position };
    const link = linkMetadata(place).toString();
    if (target !== null) return { ...nothing, event: resolve(utf8Of(target), link) };
    const seen = isVisible(name, row[9], revision, created);
    return seen ? { ...nothing, event: sourceEventOf(row, link) } : nothing;
  };

  const pageOf = (
    found: readonly FoundItem[],
    limit: PageLimit,
    itemOf: (found: FoundItem, row: SourceEventRow) => SourceItem,
  ): SourcePage => {
    const items: SourceItem[] = [];
    let bytes = 0;
    for (const one of found) {
      const [number, position] = one;
      const row = sql.at.get(position) as SourceEventRow | undefined;
      const missing = { number, position, event: undefined, deletes: undefined };
      const item = row === undefined ? missing : itemOf(one, row);
      items.push(item);
      bytes += item.event === undefined ? 0 : item.event.data.length + item.event.metadata.length;
      if (bytes > limit.bytes) break;
    }
    return { items, drained: found.length < limit.items && items.length === found.length };
  };

  return {
    ofStream: (stream, after, upTo, limit) => {
      visible = new Map();
      if (isLinkStream(stream)) {
        const found = sql.ofLinks.all(stream, after, upTo, limit.items) as FoundItem[];
        return pageOf(found, limit, (one, row) => itemOfLink(stream, one, row));
      }
      const id = idOf(stream);
      const range = id === undefined ? 'deleted' : visibilityOf(stream, id);
      if (id === undefined || range === 'deleted') return { items: [], drained: true };
      const from = Math.min(Math.max(after + 1, range.from), Number.MAX_SAFE_INTEGER);
      const found = sql.ofStream.all(id, from, upTo, limit.items) as FoundItem[];
      return pageOf(found, limit, ([number, position], row) => ({
        number,
        position,
        event: row[5] >= range.createdSince ? resolved(row) : undefined,
        deletes: undefined,
      }));
    },
    ofLog: (after, upTo, limit, includeLinks) => {
      visible = new Map();
      const found = sql.ofLog.all(after, upTo, limit.items) as FoundItem[];
      return pageOf(found, limit, ([number, position], row) => ({
        number,
        position,
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

const sourceEventOf = (row: SourceEventRow, link?: string): SourceEvent => {
  const [position, stream, revision, id, type, , isJson, dataLength, payload] = row;
  const metadata = utf8Of(payload.subarray(dataLength));
  const deletes = revision === TOMBSTONE;
  return {
    position,
    stream,
    revision: deletes ? -1 : revision,
    type,
    isJson: isJson === 1 && !deletes,
    data: utf8Of(payload.subarray(0, dataLength)),
    metadata,
    id,
    linkMetadata: link ?? metadata,
  };
};

const metadataEventOf = (row: SourceEventRow): Pick<LogRecord, 'type' | 'data'> => ({
  type: row[4],
  data: row[8].subarray(0, row[7]),
});

const deletedBy = (row: SourceEventRow): string | undefined => {
  if (row[2] === TOMBSTONE) return row[1];
  if (row[4] !== METADATA_TYPE || !isMetastream(row[1])) return undefined;
  return parseMetadata(metadataEventOf(row)).softDeleted ? originalOf(row[1]) : undefined;
};
