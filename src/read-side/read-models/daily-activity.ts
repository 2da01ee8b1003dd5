import type { DailyActivityDocument, DayKey } from '../../ports/read-store.js';
import { addSeconds, type DocumentDraft, type Interaction } from './interaction.js';

/** The UTC day of an event: YYYY-MM-DD. Decoded times are in UTC. */
export const utcDayOf = (event: Interaction): string => event.data.occurredAt.slice(0, 10);

export const dayDraft = (
  document: DailyActivityDocument | null,
  event: Interaction,
  generation: number,
): DocumentDraft<DailyActivityDocument> =>
  document === null
    ? emptyDay({ animeId: event.data.animeId, day: utcDayOf(event) }, generation)
    : { ...document };

/** The document of a day without events. */
export const emptyDay = ({ animeId, day }: DayKey, generation: number): DailyActivityDocument => ({
  generation,
  revision: -1,
  animeId,
  day,
  clicks: 0,
  views: 0,
  ratings: 0,
  seconds: 0,
});

/** The event must be above the draft's revision. */
export const applyToDay = (
  draft: DocumentDraft<DailyActivityDocument>,
  revision: number,
  event: Interaction,
): void => {
  draft.revision = revision;
  switch (event.type) {
    case 'ClickRegistered':
      draft.clicks += 1;
      return;
    case 'ViewRegistered':
      draft.views += 1;
      draft.seconds = addSeconds(draft.seconds, event.data.durationSeconds);
      return;
    case 'RatingGiven':
      draft.ratings += 1;
  }
};
