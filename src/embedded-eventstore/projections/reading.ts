import type { PageLimit, ProjectionSource, SourceItem } from '../log/projection-source.js';
import type { ProjectionCheckpoint } from './protocol.js';
import type { ProjectionSources } from './sandbox-definition.js';
import type { EventRow } from './sandbox-runner.js';

/** An event for the sandbox, with how far the projection has read once it is processed. */
export interface ReadEvent {
  readonly row: EventRow;
  /** The stream, or '' for the log, and the number in it. */
  readonly in: string;
  readonly number: number;
  readonly position: number;
}

export interface ReadBatch {
  readonly events: readonly ReadEvent[];
  readonly checkpoint: ProjectionCheckpoint;
  /** Whether there is nothing more up to the position asked for. */
  readonly drained: boolean;
}

const ITEMS_PER_PAGE = 500;
const BYTES_PER_PAGE = 2 * 1024 * 1024;

interface Cursor {
  readonly stream: string;
  at: number;
  items: readonly SourceItem[];
  next: number;
  /** Everything up to this position is in `items` or before. */
  readUpTo: number;
  /** A source that an update added begins where the projection was. */
  readonly skipUpTo: number;
}

/** Reads the sources of a projection in the order of the log, from a checkpoint on. */
export const createReading = (
  source: ProjectionSource,
  sources: ProjectionSources,
  from: ProjectionCheckpoint,
) => {
  const wanted = sources.types === null ? undefined : new Set(sources.types);
  let position = from.position;
  const cursors = sources.streams.map((stream): Cursor => ({
    stream,
    at: from.streams?.[stream] ?? -1,
    items: [],
    next: 0,
    readUpTo: 0,
    skipUpTo: from.streams?.[stream] === undefined ? from.position : 0,
  }));

  const rowsOf = (item: SourceItem, stream: string): ReadEvent[] => {
    const { event, deletes, number } = item;
    const place = { in: stream, number, position: item.position };
    const rows: ReadEvent[] = [];
    if (event !== undefined && (wanted === undefined || wanted.has(event.type))) {
      const { revision, type, isJson, data, metadata, id, linkMetadata } = event;
      rows.push({
        ...place,
        row: [event.stream, revision, type, isJson, data, metadata, id, linkMetadata, null],
      });
    }
    if (deletes !== undefined && sources.handlesDeletions) {
      rows.push({ ...place, row: [deletes, -1, '$deleted', false, '', '', '', '', deletes] });
    }
    return rows;
  };

  const limit: PageLimit = {
    items: ITEMS_PER_PAGE,
    bytes: BYTES_PER_PAGE / Math.max(1, cursors.length),
  };

  const fill = (cursor: Cursor, upTo: number): SourceItem | undefined => {
    if (cursor.next === cursor.items.length && cursor.readUpTo < upTo) {
      const page = source.ofStream(cursor.stream, cursor.at, upTo, limit);
      cursor.items = page.items;
      cursor.next = 0;
      if (page.drained) cursor.readUpTo = upTo;
    }
    return cursor.items[cursor.next];
  };

  /** The stream whose next event is the first in the log. */
  const firstCursor = (upTo: number): Cursor | undefined => {
    let first: Cursor | undefined;
    let least = Infinity;
    for (const cursor of cursors) {
      const item = fill(cursor, upTo);
      if (item === undefined || item.position >= least) continue;
      least = item.position;
      first = cursor;
    }
    return first;
  };

  const checkpoint = (): ProjectionCheckpoint =>
    sources.all
      ? { position }
      : { position, streams: Object.fromEntries(cursors.map(({ stream, at }) => [stream, at])) };

  const nextOfStreams = (upTo: number): ReadBatch => {
    const events: ReadEvent[] = [];
    let bytes = 0;
    for (let items = 0; items < ITEMS_PER_PAGE && bytes <= BYTES_PER_PAGE; items++) {
      const cursor = firstCursor(upTo);
      const item = cursor?.items[cursor.next];
      if (cursor === undefined || item === undefined) {
        position = upTo;
        return { events, checkpoint: checkpoint(), drained: true };
      }
      cursor.next += 1;
      cursor.at = item.number;
      position = Math.max(position, item.position);
      bytes += item.event?.data.length ?? 0;
      if (item.position > cursor.skipUpTo) events.push(...rowsOf(item, cursor.stream));
    }
    return { events, checkpoint: checkpoint(), drained: false };
  };

  const nextOfLog = (upTo: number): ReadBatch => {
    const { items, drained } = source.ofLog(position, upTo, limit, sources.includeLinks);
    position = drained ? upTo : (items.at(-1)?.position ?? upTo);
    const events = items.flatMap((item) => rowsOf(item, ''));
    return { events, checkpoint: checkpoint(), drained };
  };

  return {
    checkpoint,
    /** The next events up to a position of the log; a page of the sources at most. */
    next: sources.all ? nextOfLog : nextOfStreams,
  };
};

/** How far a projection has read after an event, given how far it had before the batch. */
export const checkpointAfter = (
  before: ProjectionCheckpoint,
  events: readonly ReadEvent[],
  index: number,
): ProjectionCheckpoint => {
  const last = events[index];
  if (last === undefined) return before;
  if (before.streams === undefined) return { position: last.position };
  const single = Object.keys(before.streams).length === 1;
  if (single) return { position: last.position, streams: { [last.in]: last.number } };
  const streams: Record<string, number> = { ...before.streams };
  for (const event of events.slice(0, index + 1)) streams[event.in] = event.number;
  return { position: last.position, streams };
};

/** As EventStoreDB writes a place into the metadata of what a projection emits. */
export const tagOf = ({ position, streams }: ProjectionCheckpoint): string =>
  streams === undefined ? `"$c":${position},"$p":${position}` : `"$s":${JSON.stringify(streams)}`;

/** As EventStoreDB names the event that a projection failed at. */
export const faultPlaceOf = (event: ReadEvent): string =>
  event.in === '' ? `C:${event.position}/P:${event.position}` : `${event.in}: ${event.number}`;
