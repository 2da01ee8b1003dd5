import fc from 'fast-check';
import { type AnimeDetails, completeDetails } from '../../../src/domain/details.js';
import type {
  AnimeDocument,
  DailyActivityDocument,
  InteractionDocument,
} from '../../../src/ports/read-store.js';
import { animeId, userId } from '../../support/examples.js';

/** Texts that a careless store takes for an operator, a path, a pattern or a terminator. */
const SPECIAL_TEXTS = [
  '$ne',
  '$where',
  'a.b',
  '.',
  '__proto__',
  'constructor',
  '%',
  '_',
  '100% Pascal_sensei',
  'C:\\Titles\\',
  "O'Brien; DROP TABLE animes --",
  '"quoted"',
  '[*?]',
  'a\0b',
  'a\u0001b',
  '\u0001\u0002',
  'null',
  '0',
  'ÉCOLE',
  'e\u0301cole',
  'STRASSE',
  'straße',
  'ΟΔΟΣ',
  'οδοσ',
  'İstanbul',
  '進撃の巨人',
  'Ｆａｔｅ／ｓｔａｙ',
  '👩‍👩‍👧‍👧',
  '\ud83d\ude00\uffff',
];

export const text = fc.oneof(
  fc.constantFrom(...SPECIAL_TEXTS),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }),
);

const count = fc.oneof(fc.nat(3), fc.maxSafeNat());
const moment = fc.oneof(
  fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
  fc.constantFrom('2026-11-24T10:00:00Z', '2026-11-24T10:00:00.000+01:00'),
  // A day and an hour that no calendar and no clock has.
  fc.constantFrom('2026-02-30T10:00:00.000Z', '2026-11-24T24:00:00.000Z'),
);
const guard = { generation: fc.nat(3), revision: count };

export const details = (title: fc.Arbitrary<string>): fc.Arbitrary<AnimeDetails> =>
  fc
    .record({
      title,
      description: fc.option(text),
      image: fc.option(text),
      type: fc.option(fc.constantFrom('TV', 'tv', 'Movie', 'Spécial', 'SPÉCIAL')),
      episodes: fc.option(count),
      genres: fc.array(
        fc.constantFrom('Action', 'action', 'Áction', 'Sci-Fi', '$in', 'Drama', 'a\0b'),
        {
          maxLength: 4,
        },
      ),
      score: fc.option(fc.constantFrom(0, 5, 7.25, 8.75, 10)),
      popularity: fc.option(fc.oneof(fc.nat(5), count)),
      members: fc.option(count),
    })
    .map((known) => completeDetails(known));

export const animeDocument: fc.Arbitrary<AnimeDocument> = fc.record({
  animeId: fc.integer({ min: 1, max: 2 ** 31 - 1 }).map(animeId),
  ...guard,
  status: fc.constantFrom('listed', 'delisted'),
  details: details(text),
  clicks: count,
  views: count,
  seconds: count,
  ratingCount: count,
  ratingSum: count,
  ratingBuckets: fc.array(count, { minLength: 10, maxLength: 10 }),
  lastEventId: fc.uuid(),
  skipped: fc.array(count, { maxLength: 3 }),
});

export const interactionDocument: fc.Arbitrary<InteractionDocument> = fc.record({
  animeId: fc.integer({ min: 1, max: 3 }).map(animeId),
  userId: text.map(userId),
  ...guard,
  clicks: count,
  views: count,
  seconds: count,
  lastClickAt: fc.option(moment),
  lastViewAt: fc.option(moment),
  ratings: fc.array(
    fc.record({ revision: count, hundredths: fc.integer({ min: 100, max: 1000 }), at: moment }),
    { maxLength: 3 },
  ),
});

export const dayDocument: fc.Arbitrary<DailyActivityDocument> = fc.record({
  animeId: fc.integer({ min: 1, max: 3 }).map(animeId),
  day: fc.constantFrom('0001-01-01', '2026-02-28', '2026-11-24', '9999-12-31'),
  ...guard,
  clicks: fc.nat(1e9),
  views: fc.nat(1e9),
  ratings: fc.nat(1e9),
  seconds: count,
});
