import type { AnimeId } from '../../domain/ids.js';
import { streamOf } from '../../domain/stream-name.js';
import type { EventStore } from '../../ports/event-store.js';
import { fromRecorded, type StreamEvent } from '../../wire/stream-event.js';

/**
 * What an anime's documents should say, worked out the slow and obvious way: every number is
 * counted anew from the list of events. It shares no code with the folds that it checks.
 */
export const readStream = async (
  eventStore: EventStore,
  logId: string,
  animeId: AnimeId,
  upTo: number,
): Promise<readonly StreamEvent[]> => {
  const events: StreamEvent[] = [];
  for await (const recorded of eventStore.read(streamOf(animeId), { limit: upTo + 1 })) {
    const reading = fromRecorded(recorded, logId);
    if (reading.kind === 'event') events.push(reading.event);
  }
  return events;
};

/** One line of an anime's history, flat, whatever kind of event it was. */
export interface Line {
  readonly revision: number;
  readonly kind: 'click' | 'view' | 'rating';
  readonly userId: string;
  readonly at: string;
  readonly seconds: number;
  readonly hundredths: number;
}

export const linesOf = (events: readonly StreamEvent[]): readonly Line[] =>
  events.flatMap(({ revision, decoded }): Line[] => {
    if (decoded.kind !== 'event') return [];
    const { event } = decoded;
    const line = { revision, at: event.data.occurredAt, seconds: 0, hundredths: 0 };
    switch (event.type) {
      case 'ClickRegistered':
        return [{ ...line, kind: 'click', userId: event.data.userId }];
      case 'ViewRegistered': {
        const { userId, durationSeconds } = event.data;
        return [{ ...line, kind: 'view', userId, seconds: durationSeconds }];
      }
      case 'RatingGiven': {
        const { userId, rating } = event.data;
        return [{ ...line, kind: 'rating', userId, hundredths: Number((rating * 100).toFixed(0)) }];
      }
      case 'AnimeListed':
      case 'AnimeDetailsRevised':
      case 'AnimeDelisted':
        return [];
    }
  });

const count = (lines: readonly Line[], kind: Line['kind']): number =>
  lines.filter((line) => line.kind === kind).length;

/** No total is told beyond what a number can hold exactly. */
const total = (numbers: readonly number[]): number =>
  Math.min(
    numbers.reduce((sum, each) => sum + each, 0),
    2 ** 53 - 1,
  );

export const expectedInteraction = (lines: readonly Line[]) => ({
  clicks: count(lines, 'click'),
  views: count(lines, 'view'),
  seconds: total(lines.map(({ seconds }) => seconds)),
  lastClickAt: lines.filter(({ kind }) => kind === 'click').at(-1)?.at ?? null,
  lastViewAt: lines.filter(({ kind }) => kind === 'view').at(-1)?.at ?? null,
  ratings: lines
    .filter(({ kind }) => kind === 'rating')
    .map(({ revision, hundredths, at }) => ({ revision, hundredths, at })),
});

export const expectedDay = (lines: readonly Line[]) => ({
  clicks: count(lines, 'click'),
  views: count(lines, 'view'),
  ratings: count(lines, 'rating'),
  seconds: total(lines.map(({ seconds }) => seconds)),
});

export const expectedAnime = (events: readonly StreamEvent[]) => {
  const lines = linesOf(events);
  const latest = new Map<string, number>();
  for (const { kind, userId, hundredths } of lines) {
    if (kind === 'rating') latest.set(userId, hundredths);
  }
  const known = events.flatMap(({ decoded }) => (decoded.kind === 'event' ? [decoded.event] : []));
  const listings = known.filter(({ type }) => type === 'AnimeListed' || type === 'AnimeDelisted');
  const details = known.flatMap((event) => ('details' in event.data ? [event.data.details] : []));
  return {
    status: listings.at(-1)?.type === 'AnimeListed' ? 'listed' : 'delisted',
    details: details.at(-1) ?? null,
    clicks: count(lines, 'click'),
    views: count(lines, 'view'),
    seconds: total(lines.map(({ seconds }) => seconds)),
    ratingCount: latest.size,
    ratingSum: total([...latest.values()]),
    ratingBuckets: Array.from({ length: 10 }, (_, index) => {
      const inBucket = [...latest.values()].filter((each) => Math.trunc(each / 100) === index + 1);
      return inBucket.length;
    }),
    lastEventId: events.at(-1)?.id ?? '',
    skipped: skippedIn(events),
  };
};

/** The newest hundred that cannot be read, less those that an operator decided to ignore. */
const skippedIn = (events: readonly StreamEvent[]): readonly number[] => {
  let skipped: readonly number[] = [];
  for (const { revision, decoded } of events) {
    if (decoded.kind === 'unknown' || decoded.kind === 'malformed') {
      skipped = [...skipped, revision].slice(-100);
    } else if (decoded.kind === 'ignored') {
      const { from, to } = decoded.ignored;
      skipped = skipped.filter((each) => !(from <= each && each <= to));
    }
  }
  return skipped;
};
