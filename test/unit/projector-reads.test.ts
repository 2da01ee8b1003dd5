import { expect } from 'chai';
import type { EventItem } from '../../src/ports/event-bus.js';
import type { EventStore } from '../../src/ports/event-store.js';
import type { DocumentStore } from '../../src/ports/read-store.js';
import { replayAnime } from '../../src/read-side/rebuild/replay.js';
import { animeId, events, userId } from '../support/examples.js';
import { LOG_ID, logOf, type Happening } from '../support/histories.js';
import { inMemoryDocuments } from '../support/in-memory-documents.js';
import { batchOf, projecting } from '../support/projecting.js';

const HISTORY: readonly Happening[] = [
  { anime: 1, event: events.listed },
  { anime: 1, event: events.click },
  { anime: 1, event: events.view },
  { anime: 1, event: events.rating },
  { anime: 1, event: events.click },
];

const DAY = '2026-11-24';

/** A log, its documents, and what is read of both. */
const given = (history: readonly Happening[] = HISTORY) => {
  const { store, items } = logOf(history);
  const documents = inMemoryDocuments();
  const reads: string[] = [];
  let running = 0;
  let most = 0;
  const eventStore: EventStore = {
    ...store,
    async *read(stream, options) {
      reads.push(`read ${stream}`);
      most = Math.max(most, (running += 1));
      yield* store.read(stream, options);
      running -= 1;
    },
    head: (stream) => {
      reads.push(`head ${stream}`);
      return store.head(stream);
    },
  };
  const read: DocumentStore = {
    ...documents,
    animes: (ids) => {
      reads.push(`animes ${ids.join(' ')}`);
      return documents.animes(ids);
    },
    interactions: (keys) => {
      reads.push(`users ${keys.map((key) => key.userId).join(' ')}`);
      return documents.interactions(keys);
    },
    days: (keys) => {
      reads.push(`days ${keys.map(({ day }) => day).join(' ')}`);
      return documents.days(keys);
    },
  };
  return {
    store,
    items,
    documents,
    start: () => projecting(eventStore, read),
    mostAtOnce: () => most,
    /** What was read since the last call. */
    reads: () => reads.splice(0),
  };
};

const delivered = (...items: readonly (EventItem | undefined)[]) =>
  batchOf(items.filter((item) => item !== undefined));

describe('what a projector reads', () => {
  it('is each document once, and no event, of an anime that it has begun', async () => {
    const { items, start, reads } = given();
    const projector = start();
    for (const item of items) await projector.handle(delivered(item));
    expect(reads()).to.deep.equal(['animes 1', 'users spike', `days ${DAY}`]);
  });

  it('is the last event, the document and the changed parts of an anime that it meets again', async () => {
    const { items, start, reads } = given();
    await start().handle(delivered(...items.slice(0, 4)));
    reads();
    await start().handle(delivered(items[4]));
    expect(reads()).to.deep.equal(['animes 1', 'read anime-1', 'users spike', `days ${DAY}`]);
  });

  it('is the stream once where events are missing', async () => {
    const { items, start, reads } = given();
    const projector = start();
    await projector.handle(delivered(items[0], items[1]));
    reads();
    await projector.handle(delivered(items[4]));
    expect(reads()).to.deep.equal(['read anime-1']);
  });

  it('is one event of each anime that is redelivered, of 16 anime at once', async () => {
    const numbers = Array.from({ length: 40 }, (_, index) => index + 1);
    const { items, start, reads, mostAtOnce } = given(
      numbers.map((anime) => ({ anime, event: 'unknown type' })),
    );
    await start().handle(delivered(...items));
    reads();
    await start().handle(delivered(...items));
    expect(reads()).to.deep.equal([
      `animes ${numbers.join(' ')}`,
      ...numbers.map((anime) => `read anime-${anime}`),
    ]);
    expect(mostAtOnce()).to.equal(16);
  });

  it('is the newer document where another projector has recomputed the anime, and not its stream', async () => {
    const faye = { ...events.rating.data, userId: userId('faye') };
    const { store, documents, items, start, reads } = given([
      ...HISTORY.slice(0, 2),
      { anime: 1, event: { ...events.rating, data: faye } },
      ...HISTORY.slice(2),
    ]);
    const projector = start();
    await projector.handle(delivered(...items.slice(0, 2)));
    await replayAnime({ eventStore: store, documents, logId: LOG_ID, animeId: animeId(1) });
    reads();
    await projector.handle(delivered(items[2]));
    // The last one is to know the event at the revision of the newer document.
    expect(reads()).to.deep.equal(['users faye', 'animes 1', 'read anime-1']);
    expect((await documents.animes([animeId(1)]))[0]).to.include({ generation: 1, revision: 5 });
    expect(await projector.counted('projectorDocuments')).to.equal(3);
  });

  it('is done in one round where the events follow the documents', async () => {
    const { items, start } = given();
    let heartbeats = 0;
    await start().handle({
      ...delivered(...items),
      heartbeat: () => {
        heartbeats += 1;
        return Promise.resolve();
      },
    });
    expect(heartbeats).to.equal(2);
  });
});
