import type { RecordedEvent } from '../../../src/ports/event-store.js';

const NAMES: Readonly<Record<string, string>> = {
  animeId: 'anime_id',
  userId: 'user_id',
  durationSeconds: 'duration_seconds',
  rating: 'rating',
  occurredAt: 'occurred_at',
};

const INTERACTIONS = ['ClickRegistered', 'ViewRegistered', 'RatingGiven'];

/** A stored event as the first version of its schema would have it, its time an hour ahead of UTC. */
export const version1Of = ({ id, type, data }: RecordedEvent) => {
  if (!INTERACTIONS.includes(type)) return { id, type, data, metadata: {} };
  const today = JSON.parse(Buffer.from(data).toString()) as Readonly<Record<string, unknown>>;
  const renamed = Object.entries(today).flatMap(([name, value]) => {
    const before = NAMES[name];
    return before === undefined ? [] : [[before, before === 'occurred_at' ? ahead(value) : value]];
  });
  const old = JSON.stringify(Object.fromEntries(renamed));
  return { id, type, data: Buffer.from(old), metadata: {} };
};

const ahead = (time: unknown): string =>
  new Date(Date.parse(String(time)) + 3_600_000).toISOString().replace('Z', '+01:00');
