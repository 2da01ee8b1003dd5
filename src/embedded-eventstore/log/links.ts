import { v5 } from 'uuid';
import type { SqlValue } from '../sqlite.js';
import { type Direction, EventLogError, type LogRecord, TOMBSTONE_REVISION } from './event-log.js';
import {
  isCategoryStream,
  isDeletionStream,
  linkTypeOf,
  OPTIONAL_LINKS,
  optionalFamily,
} from './link-rules.js';
import { isMetastream, originalOf } from './stream-metadata.js';
import { type FromLogWriter, toRevision } from './writer-protocol.js';

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
export const linkMetadata = ({
  linkStream,
  stream,
  revision,
  position,
}: Omit<LinkPlace, 'target'>): string => {
  const byCategory = isCategoryStream(linkStream);
  const ofMetadata = isMetastream(stream);
  const original = ofMetadata ? originalOf(stream) : stream;
  const deletion = byCategory
    ? ofMetadata || revision === TOMBSTONE_REVISION
    : isDeletionStream(linkStream);
  const found = byCategory ? `,"$o":${JSON.stringify(original)}` : '';
  return `{"$c":${position},"$p":${position}${found}${deletion ? ',"$deleted":-1' : ''}}`;
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
  /** A family was turned on, and is to be indexed from the beginning. */
  restart(): void;
  stop(): void;
}

/**
 * Indexes links on demand, so appends do not pay for it. From the first read of a link stream on,
 * it works slice by slice, with appends in between, up to the last position that a reader waits
 * for.
 */
export const createLinkIndex = (options: {
  readonly reached: number;
  readonly inUse: boolean;
}): LinkIndex => {
  let { reached, inUse } = options;
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
      inUse = true;
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
    inUse: (): boolean => inUse,
    restart: (): void => {
      reached = 0;
      inUse = true;
    },
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
  /** The position up to which every family is indexed; 0 if no link stream was ever read. */
  reached(): number;
  /** The families that are turned on or, of those that always are, in use. */
  enabled(): readonly number[];
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
  const reached = prepare('SELECT min(position) FROM links_reached WHERE enabled');
  const enabled = prepare('SELECT id FROM links_reached WHERE enabled');
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
      type: linkTypeOf(linkStream),
      created,
      isJson: false,
      data: linkData(place),
      metadata: Buffer.from(linkMetadata(place)),
    };
  };

  return {
    reached: (): number => (reached.get() as [number | null])[0] ?? 0,
    enabled: (): readonly number[] => (enabled.all() as [number][]).map(([id]) => id),
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

type Turned = Extract<FromLogWriter, { readonly kind: 'links-turned' }>;

interface LinkSwitch {
  readonly name: string;
  readonly on: boolean;
  readonly resolve: () => void;
  readonly reject: (error: EventLogError) => void;
}

/** Which of the optional link streams are on; the writer stores it, one switch after the other. */
export const createLinkSwitches = (options: {
  readonly enabled: readonly number[];
  readonly onTurnedOn: () => void;
}) => {
  const states = new Map(
    OPTIONAL_LINKS.map((name) => {
      const family = optionalFamily(name);
      return [name, family !== undefined && options.enabled.includes(family.id)];
    }),
  );
  let waiting: LinkSwitch[] = [];
  let ask: ((family: number, on: boolean) => void) | undefined;

  return {
    states: (): ReadonlyMap<string, boolean> => new Map(states),
    start: (askWriter: (family: number, on: boolean) => void): void => void (ask = askWriter),
    turn: async (name: string, on: boolean): Promise<void> => {
      const family = optionalFamily(name);
      if (family === undefined) throw new TypeError(`${name} is no optional link stream.`);
      await new Promise<void>((resolve, reject) => {
        waiting.push({ name, on, resolve, reject });
        ask?.(family.id, on);
      });
    },
    turned: ({ failure }: Turned): void => {
      const first = waiting.shift();
      if (first === undefined) return;
      if (failure !== undefined) {
        first.reject(new EventLogError('failed', `${first.name} could not be turned: ${failure}`));
        return;
      }
      const wasOn = states.get(first.name);
      states.set(first.name, first.on);
      if (first.on && wasOn === false) options.onTurnedOn();
      first.resolve();
    },
    stop: (error: EventLogError): void => {
      const left = waiting;
      waiting = [];
      for (const { reject } of left) reject(error);
    },
  };
};
