import { expect } from 'chai';
import fc from 'fast-check';
import type { RecordedEvent } from '../../../src/ports/event-store.js';
import { compareWithProjections } from '../../../src/read-side/audit/projections.js';
import {
  expectedAnime,
  flatEventsOf,
  readEvents,
} from '../../../src/read-side/audit/compare-anime.js';
import { append } from '../../support/happenings.js';
import { animeId } from '../../support/examples.js';
import { histories, logOf, LOG_ID, itemsOf } from '../../support/histories.js';
import { inMemoryDocuments } from '../../support/in-memory-documents.js';
import {
  inMemoryEventStore,
  type InMemoryEventStore,
} from '../../support/in-memory-event-store.js';
import { batchOf, projecting } from '../../support/projecting.js';
import type { EngineModel } from '../../support/projections/engine.js';
import { inMemoryProjections } from '../../support/projections/in-memory.js';
import { engineWithOurs } from '../../support/projections/ours.js';
import { version1Of } from '../../support/projections/version-1.js';

const animeIdsIn = (log: readonly RecordedEvent[]) =>
  [...new Set(log.map(({ stream }) => Number(stream.replace('anime-', ''))))].map(animeId);

/** Every number of every projection against the naive fold of the same streams. */
const expectSameNumbers = async (engine: EngineModel, store: InMemoryEventStore) => {
  const totals = { clicks: 0, views: 0, seconds: 0, ratings: 0, others: store.log.length };
  const doneBy = new Map<string, string>();
  for (const id of animeIdsIn(store.log)) {
    const events = await readEvents(store, LOG_ID, id, Number.MAX_SAFE_INTEGER - 1);
    const { clicks, views, seconds, ratingCount, ratingSum } = expectedAnime(events);
    const lines = flatEventsOf(events);
    const ratings = lines.filter(({ kind }) => kind === 'rating');
    const ratingRevision = ratings.at(-1)?.revision ?? -1;
    const state = engine.stateOf('anime-activity', `anime-${id}`);
    expect(state).to.include({ clicks, views, seconds, ratingRevision });
    const summary = engine.stateOf('anime-rating-summary', `ratings-${id}`);
    const firstRevision = ratings[0]?.revision;
    const revision = ratingRevision;
    const rated = { ratingCount, ratingSum, firstRevision, revision };
    expect(summary).to.deep.equal(ratings.length === 0 ? null : rated);
    totals.clicks += clicks;
    totals.views += views;
    totals.seconds += seconds;
    totals.ratings += ratings.length;
    totals.others -= lines.length;
    for (const line of lines) doneBy.set(`${line.revision}@anime-${id}`, line.userId);
  }
  expect(engine.stateOf('global-totals', '')).to.deep.equal(totals);
  const inOrder = store.log.map(({ stream, revision }) => `${revision}@${stream}`);
  for (const userId of new Set(doneBy.values())) {
    const timeline = engine.log.filter(({ streamId }) => streamId === `user-timeline-${userId}`);
    const expected = inOrder.filter((place) => doneBy.get(place) === userId);
    expect(timeline.map(({ data }) => data)).to.deep.equal(expected);
  }
};

describe('the projections and the read models', () => {
  it('give the same numbers for any history, if the engine delivers all events', () =>
    fc.assert(
      fc.asyncProperty(histories(), async (history) => {
        const { store } = logOf(history);
        const engine = await engineWithOurs({ validates: false });
        engine.follow(store.log);
        engine.run();
        await expectSameNumbers(engine, store);
        for (const id of animeIdsIn(store.log)) {
          const state = engine.stateOf('anime-activity', `anime-${id}`);
          expect(state).to.include({ revision: Number(await store.head(`anime-${id}`)) });
        }
      }),
      { numRuns: 100 },
    ));

  it('are equal at the same revisions, however the engine treats non-JSON data', () =>
    fc.assert(
      fc.asyncProperty(histories(), fc.boolean(), async (history, validates) => {
        const { store, items } = logOf(history);
        const documents = inMemoryDocuments();
        await projecting(store, documents).handle(batchOf(items));
        const engine = await engineWithOurs({ validates });
        engine.follow(store.log);
        const projections = inMemoryProjections(engine);
        const compared = await compareWithProjections({ projections, documents, waitMs: 0 });
        const animes = animeIdsIn(store.log).length;
        expect(compared).to.deep.equal({ animes, equal: animes, different: [], notComparable: [] });
      }),
      { numRuns: 100 },
    ));

  it('give the same numbers for a history in the first version of the schema', async () => {
    const today = inMemoryEventStore();
    await append(today, 0, 400);
    const old = inMemoryEventStore();
    for (const event of today.log) old.record(event.stream, version1Of(event));
    const engine = await engineWithOurs();
    engine.follow(old.log);
    engine.run();
    await expectSameNumbers(engine, old);
    const documents = inMemoryDocuments();
    await projecting(old, documents).handle(batchOf(itemsOf(old)));
    const projections = inMemoryProjections(engine);
    const compared = await compareWithProjections({ projections, documents, waitMs: 0 });
    expect(compared).to.deep.equal({ animes: 5, equal: 5, different: [], notComparable: [] });
    expect(engine.stateOf('global-totals', '')).to.include({ others: 35 });
  });
});
