import fc from 'fast-check';
import type { AnimeEvent } from '../../src/domain/events.js';
import { streamOf } from '../../src/domain/ids.js';
import { encode } from '../../src/wire/stream-event.js';
import { EVENTS_IGNORED, encodeIgnored } from '../../src/wire/upcast.js';
import type { EventItem } from '../../src/ports/event-bus.js';
import { animeId, COWBOY_BEBOP, userId } from './examples.js';
import { inMemoryEventStore, type InMemoryEventStore } from './in-memory-event-store.js';

export const LOG_ID = 'b9b5a1a6-6e2f-4a55-8c35-3c3f1f3c7d10';

const NO_FACTS = ['unknown type', 'malformed', 'ignored so far'] as const;

/** An event of some anime, or something in its stream that is none. */
export interface Happening {
  readonly anime: number;
  readonly event: AnimeEvent | (typeof NO_FACTS)[number];
}

const happening = (animes: number, ratings: number, users: number): fc.Arbitrary<Happening> =>
  fc.integer({ min: 1, max: animes }).chain((anime) => {
    const fact = fc.integer({ min: 0, max: 3 * 24 - 1 }).map((hours) => ({
      animeId: animeId(anime),
      occurredAt: new Date(Date.UTC(2026, 10, 22, hours)).toISOString(),
    }));
    const user = fc.integer({ min: 1, max: users }).map((number) => userId(`user-${number}`));
    const of = (type: AnimeEvent['type'], data: fc.Arbitrary<unknown>) =>
      data.map((each) => ({ type, data: each }) as unknown as AnimeEvent);
    const factWith = (more: Record<string, fc.Arbitrary<unknown>>) =>
      fc.tuple(fact, fc.record(more)).map(([a, b]) => ({ ...a, ...b }));
    const details = fc
      .integer({ min: 100, max: 1000 })
      .map((score) => ({ ...COWBOY_BEBOP, score: score / 100 }));
    const rating = fc.integer({ min: 100, max: 1000 }).map((hundredths) => hundredths / 100);
    const durationSeconds = fc.integer({ min: 0, max: 2 ** 31 - 1 });
    return fc
      .oneof(
        { weight: ratings, arbitrary: of('RatingGiven', factWith({ userId: user, rating })) },
        { weight: 2, arbitrary: of('ClickRegistered', factWith({ userId: user })) },
        { weight: 2, arbitrary: of('ViewRegistered', factWith({ userId: user, durationSeconds })) },
        { weight: 1, arbitrary: of('AnimeListed', factWith({ details })) },
        { weight: 1, arbitrary: of('AnimeDetailsRevised', factWith({ details })) },
        { weight: 1, arbitrary: of('AnimeDelisted', fact) },
        { weight: 1, arbitrary: fc.constantFrom(...NO_FACTS) },
      )
      .map((event) => ({ anime, event }));
  });

export const histories = ({
  animes = 2,
  ratings = 4,
  users = 3,
  minLength = 1,
  maxLength = 30,
} = {}) => fc.array(happening(animes, ratings, users), { minLength, maxLength });

const utf8 = new TextEncoder();

/** A log in which all this happened, and the log as items of one partition. */
export const logOf = (history: readonly Happening[], now?: () => number) => {
  const store = inMemoryEventStore(now);
  history.forEach(({ anime, event }, index) => {
    const id = `00000000-0000-4000-8000-${index.toString(16).padStart(12, '0')}`;
    const metadata = {};
    if (event === 'malformed') {
      const data = utf8.encode('{"animeId":');
      store.record(streamOf(animeId(anime)), { id, type: 'RatingGiven', data, metadata });
    } else if (event === 'ignored so far') {
      const at = { animeId: animeId(anime), occurredAt: '2026-11-24T10:00:00.000Z' };
      const ignored = encodeIgnored({ ...at, from: 0, to: index, reason: 'A test.' });
      const data = utf8.encode(JSON.stringify(ignored));
      store.record(streamOf(animeId(anime)), { id, type: EVENTS_IGNORED, data, metadata });
    } else if (event === 'unknown type') {
      const data = utf8.encode('{"mood":"blue"}');
      store.record(streamOf(animeId(anime)), { id, type: 'MoodChanged', data, metadata });
    } else {
      const data = utf8.encode(JSON.stringify(encode(event)));
      store.record(streamOf(animeId(anime)), { id, type: event.type, data, metadata });
    }
  });
  return { store, items: itemsOf(store) };
};

export const itemsOf = (store: InMemoryEventStore): EventItem[] =>
  store.log.map((event, offset) => ({
    kind: 'event',
    event,
    logId: LOG_ID,
    partition: 0,
    offset: BigInt(offset),
  }));
