import fc from 'fast-check';
import type { AnimeSearch } from '../../../src/ports/read-store.js';
import { animeId, userId } from '../../support/examples.js';
import { aDay, anAnimeDocument, anInteraction } from '../../support/read-store.js';
import { details, text } from './arbitraries.js';

export const DAYS = ['2026-11-20', '2026-11-21', '2026-11-22', '2026-11-24'];
export const USERS = ['spike', 'Spike', 'a\0b', 'a\0c'].map(userId);

export const id = fc.integer({ min: 1, max: 12 }).map(animeId);

const anime = fc
  .record({
    animeId: id,
    status: fc.constantFrom('listed', 'listed', 'listed', 'delisted'),
    details: details(text),
    clicks: fc.nat(3),
    views: fc.nat(3),
    ratingCount: fc.nat(8),
    mean: fc.constantFrom(100, 750, 755, 1000),
  })
  .map(({ mean, ...given }) => anAnimeDocument({ ...given, ratingSum: given.ratingCount * mean }));

const day = fc
  .record({
    animeId: id,
    day: fc.constantFrom(...DAYS),
    clicks: fc.nat(3),
    views: fc.nat(2),
    ratings: fc.nat(1),
  })
  .map(aDay);

const interaction = fc
  .record({ animeId: id, userId: fc.constantFrom(...USERS) })
  .map(anInteraction);

/** Few ids and values, so that ties and overlaps are frequent. */
export const catalogue = fc.record({
  animes: fc.uniqueArray(anime, { selector: (one) => one.animeId, maxLength: 12 }),
  days: fc.uniqueArray(day, { selector: (one) => `${one.animeId} ${one.day}`, maxLength: 30 }),
  interactions: fc.uniqueArray(interaction, {
    selector: (one) => JSON.stringify([one.animeId, one.userId]),
    maxLength: 20,
  }),
});

export const limit = fc.integer({ min: 1, max: 14 });

/** Mostly a part of an existing title. */
const searched = (titles: readonly string[]): fc.Arbitrary<string> =>
  titles.length === 0
    ? text
    : fc.oneof(
        text,
        fc.constantFrom(...titles).map((title) => title.toUpperCase()),
        fc.tuple(fc.constantFrom(...titles), fc.nat(3), fc.integer({ min: 1, max: 4 })).map(
          ([title, from, length]) =>
            Array.from(title)
              .slice(from, from + length)
              .join('') || title,
        ),
      );

export const searchIn = (titles: readonly string[]): fc.Arbitrary<AnimeSearch> =>
  fc
    .record({
      sortBy: fc.constantFrom('popularity', 'score', 'title', 'views'),
      offset: fc.nat(4),
      limit,
      search: fc.option(searched(titles), { nil: undefined }),
      type: fc.option(fc.constantFrom('TV', 'tV', 'spécial', 'OVA'), { nil: undefined }),
      genres: fc.option(fc.subarray(['ACTION', 'Sci-Fi', '$IN', 'a\0b', 'a']), { nil: undefined }),
      minScore: fc.option(fc.constantFrom(0, 5, 7.25, 9), { nil: undefined }),
    })
    .map(withoutUndefined);

/** An optional property is absent or has a value. */
const withoutUndefined = <T extends object>(given: T) =>
  Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as {
    [Key in keyof T]: Exclude<T[Key], undefined>;
  };
