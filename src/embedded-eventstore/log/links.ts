import { v5 } from 'uuid';
import type { SqlValue } from '../sqlite.js';
import { type Direction, EventLogError, type LogRecord, TOMBSTONE_REVISION } from './event-log.js';
import { isMetastream, METADATA_TYPE, originalOf, parseMetadata } from './stream-metadata.js';
import { type FromLogWriter, toRevision } from './writer-protocol.js';

export const LINK_TYPE = '$>';
const DELETED_TYPE = '$streamDeleted';

const CATEGORY_PREFIX = '$ce-';
const TYPE_PREFIX = '$et-';
const DELETIONS = `${TYPE_PREFIX}$deleted`;

/**
 * Streams of links that the log derives from its events, like `$by_category` and `$by_event_type`.
 */
export const isLinkStream = (stream: string): boolean =>
  stream.startsWith(CATEGORY_PREFIX) || stream.startsWith(TYPE_PREFIX);

/** Clients cannot write to a link stream or to its metadata. */
export const isReserved = (stream: string): boolean =>
  isLinkStream(isMetastream(stream) ? originalOf(stream) : stream);

export interface LinkableEvent {
  readonly stream: string;
  readonly revision: bigint;
  readonly type: string;
  /** A function, because only some links need the data. */
  readonly data: () => Uint8Array;
}

export interface EventLink {
  readonly linkStream: string;
  /** The link's data, if that is not the place of the event itself. */
  readonly target?: Uint8Array;
}

/**
 * The links that EventStoreDB's projections create for an event. System streams have none; the
 * category ends at the first `-`; a deletion counts for the deleted stream; a category link points
 * where the stream's own link points. A type link to metadata names the stream itself.
 */
export const linksOf = (event: LinkableEvent): readonly EventLink[] => {
  const { stream, revision, type } = event;
  const ofMetadata = isMetastream(stream);
  const original = ofMetadata ? originalOf(stream) : stream;
  if (original.startsWith('$')) return [];
  const deletion = isDeletion(event);
  const links: EventLink[] = [];
  const category = ofMetadata && !deletion ? undefined : categoryOf(original);
  if (category !== undefined) {
    links.push({ linkStream: CATEGORY_PREFIX + category, ...copiedTarget(event) });
  }
  if (type !== LINK_TYPE) {
    const target = ofMetadata ? { target: Buffer.from(`${revision}@${original}`) } : {};
    links.push({ linkStream: deletion ? DELETIONS : TYPE_PREFIX + type, ...target });
  }
  return links;
};

const categoryOf = (stream: string): string | undefined => {
  const end = stream.indexOf('-');
  return end > 0 ? stream.slice(0, end) : undefined;
};

const isDeletion = ({ stream, type, data }: LinkableEvent): boolean =>
  isMetastream(stream)
    ? type === METADATA_TYPE && parseMetadata({ type, data: data() }).softDeleted
    : type === DELETED_TYPE;

/** A revision, `@` and the longest name; anything longer cannot be resolved and is not copied. */
const MAX_TARGET_BYTES = 20 + 8 * 1024;

const copiedTarget = ({ type, data }: LinkableEvent): Pick<EventLink, 'target'> => {
  if (type !== LINK_TYPE) return {};
  const target = data();
  return target.byteLength === 0 || target.byteLength > MAX_TARGET_BYTES ? {} : { target };
};

/** The place of an event and of its link, as stored in the index. */
interface LinkPlace {
  readonly linkStream: string;
  readonly stream: string;
  readonly revision: bigint;
  readonly position: number;
  readonly target: Uint8Array | null;
}

const linkData = ({ stream, revision, target }: LinkPlace): Uint8Array =>
  target ?? Buffer.from(`${revision}@${stream}`);

/**
 * `$o` is the stream in which the category found the event; `$c` and `$p` are the position of the
 * event.
 */
const linkMetadata = ({ linkStream, stream, revision, position }: LinkPlace): Uint8Array => {
  const byCategory = linkStream.startsWith(CATEGORY_PREFIX);
  const ofMetadata = isMetastream(stream);
  const original = ofMetadata ? originalOf(stream) : stream;
  const deletion = byCategory
    ? ofMetadata || revision === TOMBSTONE_REVISION
    : linkStream === DELETIONS;
  return Buffer.from(
    JSON.stringify({
      $c: position,
      $p: position,
      ...(byCategory ? { $o: original } : {}),
      ...(deletion ? { $deleted: -1 } : {}),
    }),
  );
};

type Indexed = Extract<FromLogWriter, { readonly kind: 'indexed' }>;

/** Delay on a busy log: indexing more events together is cheaper. */
const COLLECT_MS = 5;

interface LinkWaiter {
  readonly position: number;
  readonly resolve: () => void;
  readonly reject: (error: EventLogError) => void;
}

export interface LinkIndex {
  start(askWriter: () => void): void;
  readonly indexed: (progress: Indexed) => void;
  /** Resolves once all links up to a position can be read, or the log is closed. */
  upTo(position: number): Promise<void>;
  inUse(): boolean;
  stop(): void;
}

/**
 * Indexes links on demand, so appends do not pay for it. From the first read of a link stream on,
 * it works slice by slice, with appends in between, up to the last position that a reader waits
 * for.
 */
export const createLinkIndex = (options: { readonly reached: number }): LinkIndex => {
  let { reached } = options;
  let waiting: LinkWaiter[] = [];
  let ask: (() => void) | undefined;
  let asking = false;
  let pause: NodeJS.Timeout | undefined;

  const next = (): void => {
    if (asking || pause !== undefined || waiting.length === 0 || ask === undefined) return;
    asking = true;
    ask();
  };

  const rest = (): void => {
    pause = setTimeout(() => {
      pause = undefined;
      next();
    }, COLLECT_MS);
  };

  /** Removes and returns the readers waiting for this position or an earlier one. */
  const take = (upTo: number): LinkWaiter[] => {
    const taken = waiting.filter(({ position }) => position <= upTo);
    waiting = waiting.filter(({ position }) => position > upTo);
    return taken;
  };

  return {
    start: (askWriter: () => void): void => {
      ask = askWriter;
      next();
    },
    indexed: ({ position, more, failure }: Indexed): void => {
      asking = false;
      if (failure !== undefined) {
        const error = new EventLogError('failed', `Links could not be indexed: ${failure}`);
        for (const waiter of take(Infinity)) waiter.reject(error);
        return;
      }
      reached = position;
      for (const waiter of take(reached)) waiter.resolve();
      if (more) next();
      else if (ask !== undefined) rest();
    },
    upTo: (position: number): Promise<void> =>
      new Promise((resolve, reject) => {
        if (position <= reached || ask === undefined) {
          resolve();
          return;
        }
        waiting.push({ position, resolve, reject });
        next();
      }),
    inUse: (): boolean => reached > 0,
    stop: (): void => {
      ask = undefined;
      clearTimeout(pause);
      for (const waiter of take(Infinity)) waiter.resolve();
    },
  };
};

/**
 * The namespace of link ids, which derive from stream and number: a link has the same id each time
 * it is read.
 */
const LINKS = 'c1a0d6a4-8f6f-4c0e-9a53-52d0f7b1e6a9';

type LinkRow = [
  number: number,
  position: number,
  stream: number,
  revision: number,
  created: number,
  target: Uint8Array | null,
];

/** Both revisions are inclusive. */
export interface RevisionRange {
  readonly from: number;
  readonly to: number;
}

export interface LinkReader {
  /** The position of the last indexed event; 0 if no link stream was ever read. */
  reached(): number;
  /** The number of the last link to an event up to a position; undefined if there is none. */
  last(linkStream: string, upTo: number): number | undefined;
  page(linkStream: string, direction: Direction, range: RevisionRange, limit: number): LogRecord[];
}

/** Prepares a statement whose rows are arrays. */
export type PrepareRead = (sql: string) => {
  readonly get: (...parameters: SqlValue[]) => unknown;
  readonly all: (...parameters: SqlValue[]) => unknown[];
};

/** The index of links, read as streams of link events. */
export const createLinkReader = (
  prepare: PrepareRead,
  nameOf: (stream: number) => string,
): LinkReader => {
  const ofStream = 'link_stream = (SELECT id FROM link_streams WHERE name = ?)';
  const reached = prepare('SELECT position FROM links_reached');
  const last = prepare(
    `SELECT number FROM links WHERE ${ofStream} AND position <= ? ORDER BY number DESC LIMIT 1`,
  );
  const page = (order: 'ASC' | 'DESC') =>
    prepare(
      `SELECT number, position, stream, revision, created, target FROM links
       WHERE ${ofStream} AND number >= ? AND number <= ? ORDER BY number ${order} LIMIT ?`,
    );
  const pages = { forwards: page('ASC'), backwards: page('DESC') };

  const toRecord = (
    linkStream: string,
    [number, position, stream, revision, created, target]: LinkRow,
  ): LogRecord => {
    const event = { stream: nameOf(stream), revision: toRevision(revision) };
    const place = { ...event, linkStream, position, target };
    return {
      stream: linkStream,
      revision: BigInt(number),
      position: BigInt(position),
      id: v5(`${number}@${linkStream}`, LINKS),
      type: LINK_TYPE,
      created,
      isJson: false,
      data: linkData(place),
      metadata: linkMetadata(place),
    };
  };

  return {
    reached: (): number => (reached.get() as [number] | undefined)?.[0] ?? 0,
    last: (linkStream: string, upTo: number): number | undefined =>
      (last.get(linkStream, upTo) as [number] | undefined)?.[0],
    page: (
      linkStream: string,
      direction: Direction,
      { from, to }: RevisionRange,
      limit: number,
    ): LogRecord[] => {
      const rows = pages[direction].all(linkStream, from, to, limit) as LinkRow[];
      return rows.map((row) => toRecord(linkStream, row));
    },
  };
};
