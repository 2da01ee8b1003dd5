import { readFile } from 'node:fs/promises';
import { runInNewContext } from 'node:vm';
import { expect } from 'chai';
import fc from 'fast-check';
import { isRating, keptRating } from '../../src/domain/rules.js';
import { hundredthsOf } from '../../src/read-side/read-models/interaction.js';
import { expectedAnime, readEvents } from '../../src/read-side/audit/compare-anime.js';
import { serveCommandApi } from '../support/command-api.js';
import { animeId, events } from '../support/examples.js';
import { LOG_ID, itemsOf } from '../support/histories.js';
import { inMemoryDocuments } from '../support/in-memory-documents.js';
import { inMemoryEventStore } from '../support/in-memory-event-store.js';
import { batchOf, projecting } from '../support/projecting.js';
import { engineWithOurs } from '../support/projections/ours.js';

/** Doubles of every kind from 1 to 10, and decimals that lie on or beside the middle of two hundredths. */
const ratings: fc.Arbitrary<number> = fc.oneof(
  fc.double({ min: 1, max: 10, noNaN: true }),
  fc.integer({ min: 1000, max: 10_000 }).map((thousandths) => thousandths / 1000),
  fc
    .tuple(fc.integer({ min: 100, max: 999 }), fc.constantFrom(-2, -1, 0, 1, 2))
    .map(([hundredths, ulps]) => (hundredths * 10 + 5) / 1000 + ulps * Number.EPSILON),
);

/** The hundredths of the decimal form of a number, halves up, in whole numbers alone. */
const hundredthsOfText = (rating: number): number => {
  const [whole = '', decimals = ''] = JSON.stringify(rating).split('.');
  const digits = 20;
  const scaled = BigInt(whole + decimals.padEnd(digits, '0'));
  const unit = 10n ** BigInt(digits - 2);
  return Number((2n * scaled + unit) / (2n * unit));
};

const event = (rating: number) => ({
  type: 'RatingGiven' as const,
  data: { ...events.rating.data, rating },
});

describe('a rating', () => {
  it('is stored as its decimal form rounded to hundredths, halves up', () => {
    fc.assert(
      fc.property(ratings, (rating) => {
        const kept = keptRating(rating);
        expect(kept).to.equal(hundredthsOfText(rating) / 100);
        expect(keptRating(kept)).to.equal(kept);
        expect(isRating(kept)).to.equal(true);
      }),
      { numRuns: 5000 },
    );
  });

  it('of two decimals is stored unchanged and counts as its hundredths: all 901 of them', () => {
    for (let hundredths = 100; hundredths <= 1000; hundredths += 1) {
      expect(keptRating(hundredths / 100)).to.equal(hundredths / 100);
      expect(hundredthsOf(event(hundredths / 100))).to.equal(hundredths);
    }
  });

  it('counts as the same hundredths in the projections', async () => {
    const reading = await readFile('projections/reading.js', 'utf8');
    const sandbox: { rating?: number } = {};
    runInNewContext(reading, sandbox);
    fc.assert(
      fc.property(ratings, (rating) => {
        sandbox.rating = rating;
        const hundredths = runInNewContext('hundredthsOf(rating)', sandbox) as unknown;
        expect(hundredths).to.equal(hundredthsOfText(rating));
      }),
      { numRuns: 2000 },
    );
  });

  it('is the same in the response, the event, the document, the audit and the projections', async () => {
    const api = await serveCommandApi();
    let id = 0;
    try {
      await fc.assert(
        fc.asyncProperty(fc.array(ratings, { minLength: 1, maxLength: 6 }), async (given) => {
          id += 1;
          await api.list(id);
          let sum = 0;
          for (const [user, rating] of given.entries()) {
            const { body } = await api.post('/rating', {
              anime_id: id,
              user_id: `user-${user}`,
              rating,
            });
            expect(body['rating']).to.equal(hundredthsOfText(rating) / 100);
            sum += hundredthsOfText(rating);
          }
          const log = inMemoryEventStore();
          for await (const recorded of api.store.read(`anime-${id}`)) {
            const { stream, id: eventId, type, data } = recorded;
            log.record(stream, { id: eventId, type, data, metadata: {} });
          }
          const stored = log.log.slice(1).map(({ data }) => {
            const { rating } = JSON.parse(Buffer.from(data).toString()) as { rating: number };
            return rating;
          });
          expect(stored).to.deep.equal(given.map((rating) => hundredthsOfText(rating) / 100));

          const documents = inMemoryDocuments();
          await projecting(log, documents).handle(batchOf(itemsOf(log)));
          const [document] = await documents.animes([animeId(id)]);
          expect(document?.ratingSum).to.equal(sum);
          const history = await readEvents(log, LOG_ID, animeId(id), given.length);
          expect(expectedAnime(history).ratingSum).to.equal(sum);
          const engine = await engineWithOurs();
          engine.follow(log.log);
          engine.run();
          const summary = engine.stateOf('anime-rating-summary', `ratings-${id}`);
          expect(summary).to.include({ ratingSum: sum });
        }),
        { numRuns: 30 },
      );
    } finally {
      await api.stop();
    }
  });
});

describe('a sum of seconds in the projections', () => {
  it('stops at the largest exact number', async () => {
    const reading = await readFile('projections/reading.js', 'utf8');
    const most = Number.MAX_SAFE_INTEGER;
    const sums = runInNewContext(
      `${reading}; [addSeconds(0, 2147483647), addSeconds(${most} - 5, 5), addSeconds(${most}, 7)].join()`,
    ) as string;
    expect(sums).to.equal(`2147483647,${most},${most}`);
  });
});
