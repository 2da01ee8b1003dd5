import { expect } from 'chai';
import fc from 'fast-check';
import { compareWithLog } from '../../src/read-side/audit/compare.js';
import { replayAnime } from '../../src/read-side/rebuild/replay.js';
import type { DocumentStore } from '../../src/ports/read-store.js';
import { animeId, AT, events, userId } from '../support/examples.js';
import { histories, LOG_ID, logOf, itemsOf, type Happening } from '../support/histories.js';
import { inMemoryDocuments } from '../support/in-memory-documents.js';
import { batchOf, projecting } from '../support/projecting.js';
import { openTemporaryReadStore } from '../support/read-store.js';

const HISTORY: readonly Happening[] = [
  { anime: 1, event: events.listed },
  { anime: 1, event: events.click },
  { anime: 1, event: events.view },
  { anime: 1, event: events.rating },
];

/** One click of each of so many users, an hour apart. */
const clicks = (users: number): readonly Happening[] =>
  Array.from({ length: users }, (_, index) => {
    const occurredAt = new Date(Date.parse(AT) + index * 3_600_000).toISOString();
    const data = { ...events.click.data, userId: userId(`user-${index}`), occurredAt };
    return { anime: 1, event: { ...events.click, data } };
  });

const given = async (
  history: readonly Happening[] = HISTORY,
  documents: DocumentStore = inMemoryDocuments(),
) => {
  const { store, items } = logOf(history);
  const projector = projecting(store, documents);
  await projector.handle(batchOf(items));
  const replay = (into: DocumentStore = documents) =>
    replayAnime({ eventStore: store, documents: into, logId: LOG_ID, animeId: animeId(1) });
  const stored = async () => (await documents.animes([animeId(1)]))[0];
  const isEqual = async () => (await compareWithLog({ eventStore: store, documents })).equal;
  return { store, documents, projector, replay, stored, isEqual };
};

/** Saves so many times, then fails as a process does that is killed. */
const mortal = (documents: DocumentStore, saves: number): DocumentStore => {
  let left = saves;
  return {
    ...documents,
    save: (batch) => {
      left -= 1;
      return left < 0 ? Promise.reject(new Error('Killed.')) : documents.save(batch);
    },
  };
};

/** Notes how many parts and anime each save has. */
const noting = (documents: DocumentStore) => {
  const saves: [users: number, days: number, animes: number][] = [];
  const noted: DocumentStore = {
    ...documents,
    save: (batch) => {
      saves.push([batch.interactions.length, batch.days.length, batch.animes.length]);
      return documents.save(batch);
    },
  };
  return { noted, saves };
};

describe('replaying an anime', () => {
  it('recomputes it in the next generation, equal to the log', async () => {
    const { replay, stored, isEqual } = await given();
    expect(await replay()).to.deep.equal({ kind: 'replayed', revision: 3, skipped: [] });
    expect(await stored()).to.include({ generation: 1, revision: 3 });
    expect(await isEqual()).to.be.true;
  });

  it('replaces documents that are wrong at the same revision', async () => {
    const { documents, replay, stored, isEqual } = await given();
    const right = await stored();
    if (right === undefined) expect.fail();
    const wrong = { ...right, generation: 1, clicks: 77 };
    await documents.save({ interactions: [], days: [], animes: [wrong] });
    expect(await isEqual()).to.be.false;
    await replay();
    expect(await stored()).to.include({ generation: 2, clicks: 1 });
    expect(await isEqual()).to.be.true;
  });

  it('is picked up by a running projector', async () => {
    const { store, projector, replay, stored, isEqual } = await given();
    await replay();
    const [click] = logOf([{ anime: 1, event: events.click }]).store.log;
    if (click === undefined) expect.fail();
    const id = '00000000-0000-4000-8000-0000000000ff';
    store.record('anime-1', { id, type: click.type, data: click.data, metadata: {} });
    await projector.handle(batchOf(itemsOf(store)));
    expect(await stored()).to.include({ generation: 1, revision: 4, clicks: 2 });
    expect(await isEqual()).to.be.true;
  });

  it('computes an anime that has no document yet', async () => {
    const { store, replay } = await given();
    const documents = inMemoryDocuments();
    expect(await replay(documents)).to.deep.include({ kind: 'replayed', revision: 3 });
    expect((await compareWithLog({ eventStore: store, documents })).equal).to.be.true;
  });

  it('saves at most a thousand parts at once, each of them once, and the anime after them', async () => {
    const { documents, replay, isEqual } = await given(clicks(1_001));
    const { noted, saves } = noting(documents);
    await replay(noted);
    expect(saves).to.deep.equal([
      [1_000, 43, 0],
      [1, 0, 0],
      [0, 0, 1],
    ]);
    expect(await isEqual()).to.be.true;
  });

  it('empties the users and days that the log lost with its end, and only these', async () => {
    const { store, documents, replay, isEqual } = await given(clicks(48));
    store.keepFirst(30);
    const { noted, saves } = noting(documents);
    await replay(noted);
    expect(saves).to.deep.equal([
      [30, 2, 0],
      [0, 0, 1],
      [18, 0, 0],
      [0, 1, 0],
    ]);
    expect(await isEqual()).to.be.true;
  });

  it('gets above the parts of a replay that was killed before the log lost its end', async () => {
    const { store, documents, replay, isEqual } = await given();
    await replay(mortal(documents, 1)).catch(() => undefined);
    store.keepFirst(2);
    expect(await replay()).to.deep.equal({ kind: 'replayed', revision: 1, skipped: [] });
    expect(await isEqual()).to.be.true;
  });

  it('is the same in an embedded read store', async () => {
    const opened = await openTemporaryReadStore();
    try {
      await opened.store.createVersion('v1', LOG_ID);
      const { store, replay, isEqual } = await given(clicks(48), opened.store.documents('v1'));
      store.keepFirst(30);
      expect(await replay()).to.deep.equal({ kind: 'replayed', revision: 29, skipped: [] });
      expect(await isEqual()).to.be.true;
    } finally {
      await opened.stop();
    }
  });

  it('changes nothing where the stream no longer exists', async () => {
    const { store, replay, stored } = await given();
    const before = await stored();
    await store.deleteStream('anime-1');
    expect(await replay()).to.have.property('kind', 'lost');
    expect(await stored()).to.deep.equal(before);
  });

  it('leaves alone what another process has recomputed meanwhile', async () => {
    const { documents, replay, stored } = await given();
    const right = await stored();
    if (right === undefined) expect.fail();
    const newer = { ...right, generation: 5 };
    let saves = 0;
    const overtaken: DocumentStore = {
      ...documents,
      save: async (batch) => {
        saves += 1;
        if (saves === 1) await documents.save({ interactions: [], days: [], animes: [newer] });
        return documents.save(batch);
      },
    };
    expect(await replay(overtaken)).to.deep.equal({ kind: 'overtaken' });
    expect(await stored()).to.deep.equal(newer);
  });

  it('reports which events still cannot be applied', async () => {
    const { replay } = await given([...HISTORY, { anime: 1, event: 'malformed' }]);
    expect(await replay()).to.deep.include({ revision: 4, skipped: [4] });
  });

  it('leaves correct documents wherever it is killed, and whatever comes afterwards', async () => {
    const lives = fc.integer({ min: 0, max: 3 });
    await fc.assert(
      fc.asyncProperty(histories(), histories(), lives, async (history, later, saves) => {
        const { store, documents, replay, isEqual } = await given([...HISTORY, ...history]);
        await replay(mortal(documents, saves)).catch(() => undefined);
        logOf(later).store.log.forEach(({ stream, type, data }, index) => {
          const id = `10000000-0000-4000-8000-${index.toString(16).padStart(12, '0')}`;
          store.record(stream, { id, type, data, metadata: {} });
        });
        const successor = projecting(store, documents);
        await successor.handle(batchOf(itemsOf(store)));
        expect(await isEqual()).to.be.true;
      }),
      { numRuns: 60 },
    );
  });
});
