import type { DailyActivityDocument } from '../../ports/read-store.js';
import { addSeconds, type Draft, type Interaction, type Placed } from './interaction.js';

/** The UTC day of a fact: YYYY-MM-DD. Times are in UTC by the time they are decoded. */
export const dayOf = (event: Interaction): string => event.data.occurredAt.slice(0, 10);

/** One day of one anime after the event. An event that the document holds already changes nothing. */
export const foldDay = (
  document: DailyActivityDocument | null,
  { revision, generation, event }: Placed<Interaction>,
): DailyActivityDocument => {
  if (document !== null && revision <= document.revision) return document;
  const draft = dayDraft(document, event, generation);
  takeOnDay(draft, revision, event);
  return draft;
};

export const dayDraft = (
  document: DailyActivityDocument | null,
  event: Interaction,
  generation: number,
): Draft<DailyActivityDocument> =>
  document === null
    ? {
        generation,
        revision: -1,
        animeId: event.data.animeId,
        day: dayOf(event),
        clicks: 0,
        views: 0,
        ratings: 0,
        seconds: 0,
      }
    : { ...document };

/** The event must be above the draft's revision. */
export const takeOnDay = (
  draft: Draft<DailyActivityDocument>,
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
