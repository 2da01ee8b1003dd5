import type { AnimeId } from '../../domain/ids.js';
import type { EventStore } from '../../ports/event-store.js';
import type {
  AnimeDocument,
  DailyActivityDocument,
  DocumentStore,
  InteractionDocument,
} from '../../ports/read-store.js';
import {
  expectedAnime,
  expectedDay,
  expectedInteraction,
  linesOf,
  readStream,
  type Line,
} from './expected.js';

export interface Difference {
  readonly animeId: AnimeId;
  /** Which document, or which one is missing. */
  readonly document: string;
  readonly revision: number;
  readonly expected: unknown;
  readonly actual: unknown;
}

/** Told of every comparison, equal or not. */
export type Check = (found: Difference) => void;

/** Compares all documents of one anime with its stream; answers how many events that took. */
export const compareAnime = async (
  eventStore: EventStore,
  documents: DocumentStore,
  anime: AnimeDocument,
  check: Check,
): Promise<number> => {
  const { animeId, revision } = anime;
  const users = (await collect(documents.allInteractions(animeId))).filter(isNotEmptied);
  const days = (await collect(documents.allDays(animeId))).filter(isNotEmptied);
  // Read after the parts, whose histories may have been trimmed below it.
  const [current = anime] = await documents.animes([animeId]);
  const newest = [...users, ...days].reduce((max, part) => Math.max(max, part.revision), revision);
  const events = await readStream(eventStore, '', animeId, newest);

  const expected = expectedAnime(events.filter((event) => event.revision <= revision));
  check({
    animeId,
    document: 'anime',
    revision,
    // A title that was never listed has no details to compare.
    expected: { ...anime, ...expected, details: expected.details ?? anime.details },
    actual: anime,
  });

  const lines = linesOf(events);
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
  lines: readonly Line[],
  anime: AnimeDocument,
  check: Check,
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
  lines: readonly Line[],
  check: Check,
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

/** As much of the full history as is kept, but never less than the anime document still asks for. */
const neededRatings = <Entry extends { readonly revision: number }>(
  all: readonly Entry[],
  kept: readonly Entry[],
  animeRevision: number,
): readonly Entry[] => {
  const first = all.findLastIndex((entry) => entry.revision <= animeRevision);
  return all.slice(Math.max(0, Math.min(all.length - kept.length, first)));
};

/** What happened up to the anime's revision is in a document that has come at least as far. */
const checkNoneMissing = (
  lines: ReadonlyMap<string, readonly Line[]>,
  stored: ReadonlyMap<string, { readonly revision: number }>,
  { animeId, revision }: AnimeDocument,
  check: Check,
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

const collect = async <Item>(items: AsyncIterable<Item>): Promise<readonly Item[]> => {
  const collected: Item[] = [];
  for await (const item of items) collected.push(item);
  return collected;
};
