import type { DailyActivityDocument } from '../../ports/read-store.js';
import type { Interaction, Placed } from './interactions.js';

/** The UTC day of a fact: YYYY-MM-DD. Times are in UTC by the time they are decoded. */
export const dayOf = (event: Interaction): string => event.data.occurredAt.slice(0, 10);

/** One day of one anime after the event. An event that the document holds already changes nothing. */
export const foldDay = (
  document: DailyActivityDocument | null,
  { revision, generation, event }: Placed<Interaction>,
): DailyActivityDocument => {
  const before = document ?? quiet(event, generation);
  if (revision <= before.revision) return before;
  switch (event.type) {
    case 'ClickRegistered':
      return { ...before, revision, clicks: before.clicks + 1 };
    case 'ViewRegistered':
      return {
        ...before,
        revision,
        views: before.views + 1,
        seconds: before.seconds + event.data.durationSeconds,
      };
    case 'RatingGiven':
      return { ...before, revision, ratings: before.ratings + 1 };
  }
};

const quiet = (event: Interaction, generation: number): DailyActivityDocument => ({
  generation,
  revision: -1,
  animeId: event.data.animeId,
  day: dayOf(event),
  clicks: 0,
  views: 0,
  ratings: 0,
  seconds: 0,
});
