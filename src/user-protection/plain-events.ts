import { animeIdOf, isUserId, type UserId } from '../domain/ids.js';
import type { EventStore, Position, RecordedEvent } from '../ports/event-store.js';
import type { PlainEvents } from '../ports/user-protection.js';
import { isUserEvent } from '../wire/protected-user.js';
import { decode } from '../wire/stream-event.js';

const PLAIN_EVENTS_PER_PAGE = 500;
const SHOWN_PLAIN_STREAMS = 20;

type FindPlainEvents = (userId: UserId, signal?: AbortSignal) => Promise<PlainEvents>;

interface CountedPart {
  readonly after: Position | undefined;
  readonly upTo: Position | undefined;
}

/**
 * Finds events that contain a user id in plain text. The first search reads the whole log. Later ones read
 * up to the last plain event found so far, and then only new events. Searches run one at a time, because
 * each may read the whole log.
 */
export const createPlainEvents = (store: Pick<EventStore, 'readAll'>): FindPlainEvents => {
  /** How far the log has been read, and the last plain event of any user up to there. */
  let readTo: Position | undefined;
  let lastPlain: Position | undefined;
  let turn: Promise<unknown> = Promise.resolve();

  async function* eventsIn({ after, upTo }: CountedPart, signal: AbortSignal | undefined) {
    for (let from = after; ;) {
      signal?.throwIfAborted();
      const page = await store.readAll({
        after: from,
        direction: 'forwards',
        limit: PLAIN_EVENTS_PER_PAGE,
      });
      for (const event of page) {
        if (upTo !== undefined && event.position.commit > upTo.commit) return;
        yield event;
      }
      from = page.at(-1)?.position;
      if (page.length < PLAIN_EVENTS_PER_PAGE || from === undefined) return;
    }
  }

  const search: FindPlainEvents = async (userId, signal) => {
    let events = 0;
    const streams = new Set<string>();
    const parts: CountedPart[] = [{ after: readTo, upTo: undefined }];
    if (lastPlain !== undefined) parts.unshift({ after: undefined, upTo: lastPlain });
    for (const part of parts) {
      for await (const event of eventsIn(part, signal)) {
        readTo = later(readTo, event.position);
        const plain = plainUserIn(event);
        if (plain === undefined) continue;
        lastPlain = later(lastPlain, event.position);
        if (plain !== userId) continue;
        events += 1;
        if (streams.size < SHOWN_PLAIN_STREAMS) streams.add(event.stream);
      }
    }
    return { events, streams: [...streams] };
  };

  return (userId, signal) => {
    const found = turn.then(() => search(userId, signal));
    turn = found.catch(() => undefined);
    return found;
  };
};

const later = (one: Position | undefined, other: Position): Position =>
  one === undefined || other.commit > one.commit ? other : one;

/** The user id that an event contains in plain text; undefined for an encrypted one. */
const plainUserIn = ({ stream, type, data }: RecordedEvent): UserId | undefined => {
  if (animeIdOf(stream) === undefined) return undefined;
  const decoded = decode(type, data);
  if (decoded.kind !== 'event' || !isUserEvent(decoded.event)) return undefined;
  const { userId } = decoded.event.data;
  return isUserId(userId) ? userId : undefined;
};
