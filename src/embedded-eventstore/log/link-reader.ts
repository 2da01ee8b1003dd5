import { v5 } from 'uuid';
import type { SqlValue } from '../sqlite.js';
import type { Direction, LogRecord } from './event-log.js';
import { LINK_TYPE, linkData, linkMetadata } from './link-streams.js';
import { toRevision } from './writer-protocol.js';

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
