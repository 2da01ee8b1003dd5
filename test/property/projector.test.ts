import { expect } from 'chai';
import fc from 'fast-check';
import { UnavailableError } from '../../src/ports/errors.js';
import type { EventItem } from '../../src/ports/event-bus.js';
import type { DocumentStore } from '../../src/ports/read-store.js';
import { silentLogger } from '../../src/platform/observability/logger.js';
import { checkDocuments } from '../../src/read-side/rebuild/check-documents.js';
import { compareWithLog } from '../../src/read-side/audit/compare.js';
import { histories, logOf, itemsOf } from '../support/histories.js';
import { inMemoryDocuments } from '../support/in-memory-documents.js';
import type { InMemoryEventStore } from '../support/in-memory-event-store.js';
import { batchOf, projecting } from '../support/projecting.js';

/** Where in the log a batch begins and ends, as fractions: any rewind, overlap or jump ahead. */
const deliveries = fc.array(
  fc
    .tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true }))
    .map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const),
  { maxLength: 12 },
);

const slice = (items: readonly EventItem[], [from, to]: readonly [number, number]) =>
  items.slice(Math.floor(from * items.length), Math.ceil(to * items.length));

const expectEqual = async (eventStore: InMemoryEventStore, documents: DocumentStore) => {
  const comparison = await compareWithLog({ eventStore, documents });
  expect(comparison.differences).to.deep.equal([]);
  expect(comparison.behind).to.deep.equal([]);
  expect(comparison.equal).to.be.true;
};

type Fault = 'none' | 'before' | 'after' | 'parts only' | 'half of the parts';

const faults = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.constant<Fault>('none') },
    {
      weight: 2,
      arbitrary: fc.constantFrom<Fault>('before', 'after', 'parts only', 'half of the parts'),
    },
  ),
  { maxLength: 30 },
);

const down = () => new UnavailableError('The document store is down.');

/** Fails around its calls by plan, as a crash between any two writes does; then works. */
const faulty = (documents: DocumentStore, plan: readonly Fault[]): DocumentStore => {
  const left = [...plan];
  const around = async <T>(call: () => Promise<T>): Promise<T> => {
    const fault = left.shift() ?? 'none';
    if (fault === 'before') throw down();
    const result = await call();
    if (fault === 'after') throw down();
    return result;
  };
  return {
    ...documents,
    animes: (ids) => around(() => documents.animes(ids)),
    interactions: (keys) => around(() => documents.interactions(keys)),
    days: (keys) => around(() => documents.days(keys)),
    save: async (batch) => {
      const [fault] = left;
      if (fault !== 'parts only' && fault !== 'half of the parts') {
        return await around(() => documents.save(batch));
      }
      left.shift();
      const { interactions, days } = batch;
      const keep = fault === 'parts only' ? Infinity : Math.ceil(interactions.length / 2);
      await documents.save({ interactions: interactions.slice(0, keep), days, animes: [] });
      throw down();
    },
  };
};

const untilHandled = async (attempt: () => Promise<void>) => {
  for (;;) {
    try {
      await attempt();
      return;
    } catch (error) {
      if (!(error instanceof UnavailableError)) throw error;
    }
  }
};

/** Much replaced ratings of one anime are where an order of writes shows. */
const ratedHistories = fc.oneof(histories(), histories({ animes: 1, ratings: 40, maxLength: 40 }));

/** Sizes at which views, or their parts, are forgotten all the time, now and then, and never. */
const cacheSizes = fc.constantFrom(1, 4, 9, 1000);

describe('projector', () => {
  it('computes the documents of a fold of the log, whatever is redelivered or early', async () => {
    await fc.assert(
      fc.asyncProperty(
        histories(),
        deliveries,
        fc.constantFrom(1, 3, 1000),
        async (history, plan, gapFillLimit) => {
          const { store, items } = logOf(history);
          const documents = inMemoryDocuments();
          const projector = projecting(store, documents, { gapFillLimit });
          for (const each of plan) await projector.handle(batchOf(slice(items, each)));
          await projector.handle(batchOf(items));
          await expectEqual(store, documents);
        },
      ),
      { numRuns: 100 },
    );
  });

  it('computes the same documents when the process dies between any two writes', async () => {
    await fc.assert(
      fc.asyncProperty(
        ratedHistories,
        deliveries,
        faults,
        fc.boolean(),
        cacheSizes,
        async (history, plan, faultPlan, dies, cachedDocuments) => {
          const { store, items } = logOf(history);
          const documents = inMemoryDocuments();
          const failing = faulty(documents, faultPlan);
          const start = () => projecting(store, failing, { gapFillLimit: 3, cachedDocuments });
          let projector = start();
          for (const each of [...plan, [0, 1] as const]) {
            await untilHandled(async () => {
              if (dies) projector = start();
              await projector.handle(batchOf(slice(items, each)));
            });
          }
          await expectEqual(store, documents);
        },
      ),
      { numRuns: 200 },
    );
  });

  for (const [name, share] of [
    ['two projectors work at once, whichever of them is late', false],
    ['one projector is given a partition again while it still works on it', true],
  ] as const) {
    it(`computes the same documents when ${name}`, async () => {
      await fc.assert(
        fc.asyncProperty(
          ratedHistories,
          deliveries,
          deliveries,
          faults,
          cacheSizes,
          fc.scheduler(),
          async (history, one, other, faultPlan, cachedDocuments, scheduler) => {
            const { store, items } = logOf(history);
            const documents = inMemoryDocuments();
            const failing = faulty(documents, faultPlan);
            const slow: DocumentStore = {
              ...failing,
              animes: scheduler.scheduleFunction((ids) => failing.animes(ids)),
              interactions: scheduler.scheduleFunction((keys) => failing.interactions(keys)),
              days: scheduler.scheduleFunction((keys) => failing.days(keys)),
              save: scheduler.scheduleFunction((batch) => failing.save(batch)),
            };
            const start = () => projecting(store, slow, { gapFillLimit: 3, cachedDocuments });
            const first = start();
            const second = share ? first : start();
            const work = async (
              { handle }: ReturnType<typeof start>,
              plan: readonly (readonly [number, number])[],
            ) => {
              for (const each of [...plan, [0, 1] as const]) {
                await untilHandled(async () => handle(batchOf(slice(items, each))));
              }
            };
            await scheduler.waitFor(Promise.all([work(first, one), work(second, other)]));
            await expectEqual(store, documents);
          },
        ),
        { numRuns: 200 },
      );
    });
  }

  it('computes the documents of the current log when it lost its end and continued differently', async () => {
    const fraction = fc.double({ min: 0, max: 1, noNaN: true });
    await fc.assert(
      fc.asyncProperty(
        ratedHistories,
        ratedHistories,
        fraction,
        deliveries,
        faults,
        cacheSizes,
        async (history, later, kept, plan, faultPlan, cachedDocuments) => {
          const { store, items: topic } = logOf(history);
          const documents = inMemoryDocuments();
          await projecting(store, documents).handle(batchOf(topic));
          const cut = Math.floor(kept * store.log.length);
          store.keepFirst(cut);
          logOf(later).store.log.forEach(({ stream, type, data }, index) => {
            const id = `10000000-0000-4000-8000-${index.toString(16).padStart(12, '0')}`;
            store.record(stream, { id, type, data, metadata: {} });
          });
          // The topic keeps what the log lost, and the bridge goes on after it.
          const items = [...topic, ...itemsOf(store).slice(cut)];
          const failing = faulty(documents, faultPlan);
          // Nobody writes to this log any more: what it does not have will not come.
          const options = { gapFillLimit: 3, patienceMs: 0, cachedDocuments };
          const projector = projecting(store, failing, options);
          const check = () =>
            checkDocuments({
              eventStore: store,
              documents: failing,
              projector,
              logger: silentLogger(),
              keeps: true,
              isIdle: () => true,
              waitMs: 0,
              signal: new AbortController().signal,
            });
          await untilHandled(async () => {
            await check();
          });
          for (const each of plan) {
            await untilHandled(async () => projector.handle(batchOf(slice(items, each))));
          }
          await untilHandled(async () => projector.handle(batchOf(itemsOf(store).slice(cut))));
          await untilHandled(async () => {
            await check();
          });
          await expectEqual(store, documents);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('computes the same documents when two projectors take turns, each with its cache', async () => {
    const turns = fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 12 })), {
      minLength: 5,
      maxLength: 20,
    });
    await fc.assert(
      fc.asyncProperty(
        histories({ animes: 1, ratings: 40, maxLength: 60, users: 6, minLength: 20 }),
        turns,
        cacheSizes,
        async (history, plan, cachedDocuments) => {
          const { store, items } = logOf(history);
          const documents = inMemoryDocuments();
          const workers = [0, 1].map(() => ({
            ...projecting(store, documents, { cachedDocuments }),
            cursor: 0,
          }));
          for (const [isSecond, count] of plan) {
            const worker = workers[isSecond ? 1 : 0];
            if (worker === undefined) continue;
            const { cursor } = worker;
            worker.cursor = Math.min(cursor + count, items.length);
            await worker.handle(batchOf(items.slice(cursor, worker.cursor)));
            const { differences } = await compareWithLog({ eventStore: store, documents });
            expect(differences).to.deep.equal([]);
          }
        },
      ),
      { numRuns: 200 },
    );
  });
});
