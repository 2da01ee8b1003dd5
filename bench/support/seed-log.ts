import { randomUUID } from 'node:crypto';
import { completeDetails } from '../../src/domain/details.js';
import type { AnimeEvent } from '../../src/domain/events.js';
import { isAnimeId, isUserId, streamOf } from '../../src/domain/ids.js';
import type { EventStore, ExpectedRevision, NewEvent } from '../../src/ports/event-store.js';
import { encode } from '../../src/wire/stream-event.js';
import { createWorkload, type Interaction, type WorkloadOptions } from './workload.js';

/** The event that a command about this interaction appends. */
const eventOf = (interaction: Interaction, occurredAt: string): AnimeEvent => {
  const { animeId, userId } = interaction;
  if (!isAnimeId(animeId) || !isUserId(userId)) throw new Error('The workload has invalid ids.');
  const data = { animeId, userId, occurredAt };
  switch (interaction.kind) {
    case 'click':
      return { type: 'ClickRegistered', data };
    case 'view':
      return {
        type: 'ViewRegistered',
        data: { ...data, durationSeconds: interaction.durationSeconds },
      };
    case 'rating':
      return { type: 'RatingGiven', data: { ...data, rating: interaction.rating } };
  }
};

const listedEvent = (animeId: number, occurredAt: string): AnimeEvent => {
  if (!isAnimeId(animeId)) throw new Error('The workload has invalid ids.');
  const details = completeDetails({
    title: `Anime ${animeId}`,
    type: 'TV',
    episodes: 12,
    genres: ['Action'],
    score: 7.5,
    popularity: animeId,
    members: 1000,
  });
  return { type: 'AnimeListed', data: { animeId, occurredAt, details } };
};

const newEvent = (event: AnimeEvent): NewEvent => ({
  id: randomUUID(),
  type: event.type,
  data: encode(event),
  metadata: { $correlationId: 'bench', commandId: randomUUID() },
});

const BLOCK = 5000;
const EVENTS_PER_APPEND = 500;
const STARTED_AT = Date.UTC(2026, 0, 1);

export interface SeedOptions extends WorkloadOptions {
  readonly interactions: number;
}

/** Fills an empty log: every anime listed, then interactions, 10 ms apart. Answers how many events. */
export const seedLog = async (store: EventStore, options: SeedOptions): Promise<number> => {
  const { interactions, animes = 1000 } = options;
  const next = createWorkload(options);
  const revisions = new Map<string, bigint>();
  const append = async (stream: string, events: readonly NewEvent[]): Promise<void> => {
    for (let at = 0; at < events.length; at += EVENTS_PER_APPEND) {
      const expected: ExpectedRevision = revisions.get(stream) ?? 'no_stream';
      const { revision } = await store.append(
        stream,
        expected,
        events.slice(at, at + EVENTS_PER_APPEND),
      );
      revisions.set(stream, revision);
    }
  };
  const appendAll = (events: readonly AnimeEvent[]) =>
    Promise.all([...byStream(events)].map(([stream, some]) => append(stream, some)));

  const at = (index: number) => new Date(STARTED_AT + index * 10).toISOString();
  /** In blocks: the log takes a limited number of appends at once. */
  const appendInBlocks = async (count: number, eventAt: (index: number) => AnimeEvent) => {
    for (let done = 0; done < count; done += BLOCK) {
      const length = Math.min(BLOCK, count - done);
      await appendAll(Array.from({ length }, (_, index) => eventAt(done + index)));
    }
  };
  await appendInBlocks(animes, (index) => listedEvent(index + 1, at(0)));
  await appendInBlocks(interactions, (index) => eventOf(next(), at(index)));
  return animes + interactions;
};

const byStream = (events: readonly AnimeEvent[]): ReadonlyMap<string, NewEvent[]> => {
  const streams = new Map<string, NewEvent[]>();
  for (const event of events) {
    const stream = streamOf(event.data.animeId);
    const some = streams.get(stream);
    if (some === undefined) streams.set(stream, [newEvent(event)]);
    else some.push(newEvent(event));
  }
  return streams;
};
