import type { Position, RecordedEvent } from '../../ports/event-store.js';

const MAX_BUFFERED_EVENTS = 2_000;
const MAX_BUFFERED_BYTES = 4 * 1024 * 1024;
const MAX_EVENTS_PER_MESSAGE = 500;
const MAX_BYTES_PER_MESSAGE = 512 * 1024;

/** Events that one subscription has not sent yet. */
export interface EventBuffer {
  /** False if it is full: the subscriber is too slow. */
  add(event: RecordedEvent): boolean;
  /** Events for one message, oldest first; undefined if there are none. */
  take(): readonly RecordedEvent[] | undefined;
  isEmpty(): boolean;
  /** Whether there is less than a message in it. */
  hasRoom(): boolean;
}

export const createEventBuffer = (): EventBuffer => {
  let events: RecordedEvent[] = [];
  let bytes = 0;
  return {
    add: (event) => {
      if (events.length >= MAX_BUFFERED_EVENTS || bytes + eventBytes(event) > MAX_BUFFERED_BYTES) {
        // A single event may be larger than that.
        if (events.length > 0) return false;
      }
      events.push(event);
      bytes += eventBytes(event);
      return true;
    },
    take: () => {
      if (events.length === 0) return undefined;
      let count = 0;
      for (let size = 0; count < Math.min(events.length, MAX_EVENTS_PER_MESSAGE); count += 1) {
        const event = events[count];
        if (event === undefined) break;
        size += eventBytes(event);
        if (count > 0 && size > MAX_BYTES_PER_MESSAGE) break;
      }
      const taken = events.slice(0, count);
      events = events.slice(count);
      bytes = events.reduce((sum, event) => sum + eventBytes(event), 0);
      return taken;
    },
    isEmpty: () => events.length === 0,
    hasRoom: () => events.length < MAX_EVENTS_PER_MESSAGE && bytes < MAX_BYTES_PER_MESSAGE,
  };
};

/** Keeps only the newest events: a reader of these is never too slow. */
export const createNewestEvents = (most: number): EventBuffer => {
  let events: RecordedEvent[] = [];
  return {
    add: (event) => {
      events.push(event);
      if (events.length > most) events.shift();
      return true;
    },
    take: () => {
      const taken = events;
      events = [];
      return taken.length === 0 ? undefined : taken;
    },
    isEmpty: () => events.length === 0,
    hasRoom: () => true,
  };
};

const eventBytes = ({ data, metadata }: RecordedEvent): number =>
  data.byteLength + metadata.byteLength;

/** The id of a message: where to resume after it. Both halves of a position matter. */
export const resumeIdOf = ({ commit, prepare }: Position): string => `${commit}/${prepare}`;

const RESUME_ID = /^(\d{1,20})\/(\d{1,20})$/;

/** Undefined for anything that `resumeIdOf` does not return. */
export const positionOfResumeId = (resumeId: string): Position | undefined => {
  const [, commit, prepare] = RESUME_ID.exec(resumeId) ?? [];
  return commit === undefined || prepare === undefined
    ? undefined
    : { commit: BigInt(commit), prepare: BigInt(prepare) };
};
