import { v5 } from 'uuid';
import type { PageLimit, ProjectionSource, SourceItem } from '../log/projection-source.js';
import type { StateRow } from '../log/writer-protocol.js';
import type { EmittedMessage, ProjectionCheckpoint } from './protocol.js';
import type { ProjectionSources } from './sandbox-definition.js';
import type { EmittedRow, EventRow } from './sandbox-runner.js';

/** An event for the sandbox, with its place in the source for checkpoints. */
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
  /** A source that an update added starts at the projection's position. */
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
      const { revision, type, isJson, id } = event;
      const texts = [event.data(), event.metadata(), id, event.linkMetadata()] as const;
      rows.push({ ...place, row: [event.stream, revision, type, isJson, ...texts, null] });
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
      bytes += item.event?.bytes ?? 0;
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

/**
 * The first row at the place of a row. In the log, an event and the deletion that it means share a place; they
 * are processed together or not at all, because no checkpoint can lie between them.
 */
export const firstAtPlace = (events: readonly ReadEvent[], row: number): number => {
  const [before, event] = [events[row - 1], events[row]];
  if (before === undefined || event === undefined || event.row[8] === null) return row;
  return before.in === event.in && before.number === event.number ? row - 1 : row;
};

/** The checkpoint after an event of a batch, given the one before the batch. */
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

/** A checkpoint as EventStoreDB writes it into the metadata of emitted events. */
const tagOf = ({ position, streams }: ProjectionCheckpoint): string =>
  streams === undefined ? `"$c":${position},"$p":${position}` : `"$s":${JSON.stringify(streams)}`;

/** The failed event's position, as EventStoreDB writes it in the reason of a fault. */
export const faultPlaceOf = (event: ReadEvent): string =>
  event.in === '' ? `C:${event.position}/P:${event.position}` : `${event.in}: ${event.number}`;

/** The namespace of emitted events' ids, which are the same each time an effect is computed. */
const EMITTED = '5d0fbb3c-7d0c-4d6e-9a7f-0c2f0d1f8f11';

/** The events that a batch emitted, each with its cause. */
export const emittedMessages = (
  { id, run }: { readonly id: number; readonly run: number },
  emitted: readonly EmittedRow[],
  events: readonly ReadEvent[],
  before: ProjectionCheckpoint,
): EmittedMessage[] => {
  let row = -1;
  let tag = '';
  let correlationId: string | undefined;
  let index = 0;
  return emitted.map(([cause, stream, type, isJson, data, metadata, resultOf]) => {
    if (cause !== row) {
      row = cause;
      index = 0;
      tag = tagOf(checkpointAfter(before, events, cause));
      correlationId = correlationIdIn(events[cause]?.row[5] ?? '');
    }
    const causedBy = events[cause]?.row[6] ?? '';
    const what = { stream, type, isJson, data, metadata, resultOf };
    const place = `${id}:${run}:${tag}:${index++}`;
    const event = v5(`${place}:0`, EMITTED);
    const isLinked = resultOf !== null && resultOf !== '';
    const ids = isLinked ? ([event, v5(`${place}:1`, EMITTED)] as const) : ([event] as const);
    return { ...what, tag, causedBy, correlationId, ids };
  });
};

const correlationIdIn = (metadata: string): string | undefined => {
  if (!metadata.includes('$correlationId')) return undefined;
  try {
    const value: unknown = JSON.parse(metadata);
    if (typeof value !== 'object' || value === null) return undefined;
    const { $correlationId: id } = value as { readonly $correlationId?: unknown };
    return typeof id === 'string' ? JSON.stringify(id) : undefined;
  } catch {
    return undefined;
  }
};

/** States that are not stored yet, which take precedence over the stored ones. */
export const createPendingStates = (stored: (partitionKey: string) => string | undefined) => {
  const pending = new Map<string, StateRow>();
  let taken = new Map<string, StateRow>();
  let bytes = 0;

  return {
    add: (rows: readonly StateRow[]): void => {
      for (const row of rows) {
        pending.set(row[0], row);
        bytes += (row[1]?.length ?? 0) + (row[2]?.length ?? 0);
      }
    },
    count: () => pending.size,
    bytes: () => bytes,
    /** JSON text of state and result. */
    load: (partition: string): string | undefined => {
      const row = pending.get(partition) ?? taken.get(partition);
      return row === undefined
        ? stored(JSON.stringify(partition))
        : JSON.stringify([row[1], row[2]]);
    },
    /** Takes the states to be stored, as the text that the log expects. */
    take: (): string => {
      taken = new Map(pending);
      pending.clear();
      bytes = 0;
      const rows = Array.from(taken.values(), ([partition, state, result]) => [
        JSON.stringify(partition),
        state,
        result,
      ]);
      return JSON.stringify(rows);
    },
    /** The states that were taken are now stored. */
    stored: (): void => taken.clear(),
  };
};
