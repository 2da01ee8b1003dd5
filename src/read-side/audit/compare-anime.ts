import { type AnimeId, streamOf } from '../../domain/ids.js';
import { collect } from '../../platform/async/pages.js';
import type { EventStore } from '../../ports/event-store.js';
import type {
  AnimeDocument,
  DailyActivityDocument,
  DocumentStore,
  InteractionDocument,
} from '../../ports/read-store.js';
import { fromRecorded, type StreamEvent } from '../../wire/stream-event.js';

/**
 * The expected documents of an anime, computed the slow and obvious way from the list of events. It
 * shares no code with the folds that it checks.
 */
export const readEvents = async (
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

/** An interaction of any kind in one flat shape. */
interface FlatEvent {
  readonly revision: number;
  readonly kind: 'click' | 'view' | 'rating';
  readonly userId: string;
  readonly at: string;
  readonly seconds: number;
  readonly hundredths: number;
}

export const flatEventsOf = (events: readonly StreamEvent[]): readonly FlatEvent[] =>
  events.flatMap(({ revision, decoded }): FlatEvent[] => {
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

const count = (lines: readonly FlatEvent[], kind: FlatEvent['kind']): number =>
  lines.filter((line) => line.kind === kind).length;

/** Totals stop at the largest exact number. */
const total = (numbers: readonly number[]): number =>
  Math.min(
    numbers.reduce((sum, each) => sum + each, 0),
    2 ** 53 - 1,
  );

/** An event may have happened before others that were recorded earlier. All times are in UTC. */
const lastTimeOf = (lines: readonly FlatEvent[], kind: FlatEvent['kind']): string | null => {
  const times = lines.filter((line) => line.kind === kind).map(({ at }) => at.replace('Z', ''));
  const last = times.sort().at(-1);
  return last === undefined ? null : `${last}Z`;
};

const expectedInteraction = (lines: readonly FlatEvent[]) => ({
  clicks: count(lines, 'click'),
  views: count(lines, 'view'),
  seconds: total(lines.map(({ seconds }) => seconds)),
  lastClickAt: lastTimeOf(lines, 'click'),
  lastViewAt: lastTimeOf(lines, 'view'),
  ratings: lines
    .filter(({ kind }) => kind === 'rating')
    .map(({ revision, hundredths, at }) => ({ revision, hundredths, at })),
});

const expectedDay = (lines: readonly FlatEvent[]) => ({
  clicks: count(lines, 'click'),
  views: count(lines, 'view'),
  ratings: count(lines, 'rating'),
  seconds: total(lines.map(({ seconds }) => seconds)),
});

export const expectedAnime = (events: readonly StreamEvent[]) => {
  const lines = flatEventsOf(events);
  const ratings = new Map<string, number>();
  for (const { kind, userId, hundredths } of lines) {
    if (kind === 'rating') ratings.set(userId, hundredths);
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
    ratingCount: ratings.size,
    ratingSum: total([...ratings.values()]),
    ratingBuckets: Array.from({ length: 10 }, (_, index) => {
      const inBucket = [...ratings.values()].filter((each) => Math.trunc(each / 100) === index + 1);
      return inBucket.length;
    }),
    lastEventId: events.at(-1)?.id ?? '',
    skipped: skippedIn(events),
  };
};

/** The newest hundred unreadable events, without those that an operator ignores. */
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

export interface Difference {
  readonly animeId: AnimeId;
  /** The name of the document, which may be missing. */
  readonly document: string;
  readonly revision: number;
  readonly expected: unknown;
  readonly actual: unknown;
}

/** Called for every comparison, equal or not. */
export type OnCompared = (found: Difference) => void;

/** Compares all documents of one anime with its stream; returns the number of events read. */
export const compareAnime = async (
  eventStore: EventStore,
  documents: DocumentStore,
  anime: AnimeDocument,
  check: OnCompared,
): Promise<number> => {
  const { animeId, revision } = anime;
  const users = (await collect(documents.allInteractions(animeId))).filter(isNotEmptied);
  const days = (await collect(documents.allDays(animeId))).filter(isNotEmptied);
  // Read after the parts, whose ratings may be trimmed below its revision.
  const [current = anime] = await documents.animes([animeId]);
  const newest = [...users, ...days].reduce((max, part) => Math.max(max, part.revision), revision);
  const events = await readEvents(eventStore, '', animeId, newest);

  const expected = expectedAnime(events.filter((event) => event.revision <= revision));
  check({
    animeId,
    document: 'anime',
    revision,
    // A title that was never listed has no details to compare.
    expected: { ...anime, ...expected, details: expected.details ?? anime.details },
    actual: anime,
  });

  const lines = flatEventsOf(events);
  const byUser = groupBy(lines, ({ userId }) => userId);
  for (const user of users) compareUser(user, byUser.get(user.userId) ?? [], current, check);
  const byDay = groupBy(lines, (line) => new Date(line.at).toISOString().slice(0, 10));
  for (const day of days) compareDay(day, byDay.get(day.day) ?? [], check);
  checkNoneMissing(byUser, new Map(users.map((user) => [user.userId, user])), anime, check);
  checkNoneMissing(byDay, new Map(days.map((day) => [day.day, day])), anime, check);
  return events.length;
};

const compareUser = (
  user: InteractionDocument,
  lines: readonly FlatEvent[],
  anime: AnimeDocument,
  check: OnCompared,
): void => {
  const { animeId, userId, generation, revision } = user;
  const theirs = lines.filter((line) => line.revision <= revision);
  const expected = expectedInteraction(theirs);
  check({
    animeId,
    document: `interaction of ${userId}`,
    revision,
    expected: {
      animeId,
      userId,
      generation,
      revision: theirs.at(-1)?.revision,
      ...expected,
      ratings: neededRatings(expected.ratings, user.ratings, anime.revision),
    },
    actual: user,
  });
};

const compareDay = (
  document: DailyActivityDocument,
  lines: readonly FlatEvent[],
  check: OnCompared,
): void => {
  const { animeId, day, generation, revision } = document;
  const then = lines.filter((line) => line.revision <= revision);
  const expected = expectedDay(then);
  check({
    animeId,
    document: `day ${day}`,
    revision,
    expected: { animeId, day, generation, revision: then.at(-1)?.revision, ...expected },
    actual: document,
  });
};

/** As many ratings as are kept, but never fewer than the anime document still needs. */
const neededRatings = <Entry extends { readonly revision: number }>(
  all: readonly Entry[],
  kept: readonly Entry[],
  animeRevision: number,
): readonly Entry[] => {
  const first = all.findLastIndex((entry) => entry.revision <= animeRevision);
  return all.slice(Math.max(0, Math.min(all.length - kept.length, first)));
};

/** Every interaction up to the anime's revision must be in a document at that revision or later. */
const checkNoneMissing = (
  lines: ReadonlyMap<string, readonly FlatEvent[]>,
  stored: ReadonlyMap<string, { readonly revision: number }>,
  { animeId, revision }: AnimeDocument,
  check: OnCompared,
): void => {
  for (const [name, theirs] of lines) {
    const expected = theirs.findLast((line) => line.revision <= revision)?.revision;
    const actual = stored.get(name)?.revision;
    if (expected === undefined || (actual ?? -1) >= expected) continue;
    check({ animeId, document: `missing or late: ${name}`, revision, expected, actual });
  }
};

const groupBy = <Item>(items: readonly Item[], keyOf: (item: Item) => string) => {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
};

const isNotEmptied = ({ revision }: { readonly revision: number }): boolean => revision >= 0;
