import { randomUUID } from 'node:crypto';
import type { AnimeEvent } from '../../src/domain/events.js';
import { streamOf } from '../../src/domain/ids.js';
import type { EventStore } from '../../src/ports/event-store.js';
import { encode } from '../../src/wire/stream-event.js';
import { animeId, COWBOY_BEBOP, userId } from './examples.js';

const MINUTE = 60_000;

/** The nth thing that happens: five anime, eleven users, every kind of event, over some days. */
const happening = (index: number): AnimeEvent => {
  const anime = animeId((index % 5) + 1);
  const occurredAt = new Date(Date.UTC(2026, 10, 22) + index * 17 * MINUTE).toISOString();
  const fact = { animeId: anime, occurredAt };
  if (index < 5) return { type: 'AnimeListed', data: { ...fact, details: COWBOY_BEBOP } };
  const user = userId(`user-${(index * index) % 11}`);
  switch ((index * 7) % 13) {
    case 0:
      return {
        type: 'AnimeDetailsRevised',
        data: { ...fact, details: { ...COWBOY_BEBOP, episodes: index } },
      };
    case 1:
    case 2:
    case 3:
      return { type: 'ClickRegistered', data: { ...fact, userId: user } };
    case 4:
    case 5:
    case 6:
      return {
        type: 'ViewRegistered',
        data: { ...fact, userId: user, durationSeconds: (index * 31) % 3600 },
      };
    default: {
      const rating = (100 + ((index * 37) % 901)) / 100;
      return { type: 'RatingGiven', data: { ...fact, userId: user, rating } };
    }
  }
};

/** Appends what happens from one moment to another, each anime's events in order. */
export const append = async (store: EventStore, from: number, to: number): Promise<void> => {
  for (let index = from; index < to; index += 1) {
    const event = happening(index);
    const stream = streamOf(event.data.animeId);
    const data = encode(event);
    await store.append(stream, await store.head(stream), [
      { id: randomUUID(), type: event.type, data, metadata: {} },
    ]);
  }
};
