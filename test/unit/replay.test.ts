import { expect } from 'chai';
import fc from 'fast-check';
import { compareWithLog } from '../../src/read-side/audit/compare.js';
import { replayAnime } from '../../src/read-side/rebuild/replay.js';
import type { DocumentStore } from '../../src/ports/read-store.js';
import { animeId, events } from '../support/examples.js';
import { histories, LOG_ID, logOf, itemsOf, type Happening } from '../support/histories.js';
import { inMemoryDocuments } from '../support/in-memory-documents.js';
import { batchOf, projecting } from '../support/projecting.js';

const HISTORY: readonly Happening[] = [
  { anime: 1, event: events.listed },
  { anime: 1, event: events.click },
  { anime: 1, event: events.view },
  { anime: 1, event: events.rating },
];

const given = async (history: readonly Happening[] = HISTORY) => {
  const { store, items } = logOf(history);
  const documents = inMemoryDocuments();
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
