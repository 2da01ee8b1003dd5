import { expect } from 'chai';
import { silentLogger } from '../../src/platform/observability/logger.js';
import { createMetrics } from '../../src/platform/observability/metrics.js';
import { UnavailableError } from '../../src/ports/errors.js';
import type { EventStore } from '../../src/ports/event-store.js';
import type { ReadStore } from '../../src/ports/read-store.js';
import { rebuild, type RebuildOptions } from '../../src/read-side/rebuild/rebuild.js';
import { watchRebuild, type WatchProgress } from '../../src/read-side/rebuild/watch.js';
import { animeId, events } from '../support/examples.js';
import { LOG_ID, logOf, type Happening } from '../support/histories.js';
import { inMemoryDeadLetters } from '../support/in-memory-dead-letters.js';
import { batchOf, projecting } from '../support/projecting.js';
import { openTemporaryReadStore } from '../support/read-store.js';
import { rejectionOf } from '../support/rejection-of.js';

const HISTORY: readonly Happening[] = [
  { anime: 1, event: events.listed },
  { anime: 1, event: events.click },
  { anime: 1, event: events.rating },
];

describe('a rebuild that projectors fill', () => {
  let opened: Awaited<ReturnType<typeof openTemporaryReadStore>>;

  beforeEach(async () => {
    opened = await openTemporaryReadStore();
    await opened.store.createVersion('v1', LOG_ID);
  });
  afterEach(() => opened.stop());

  const watching = (options: { patienceMs?: number; onProgress?: (p: WatchProgress) => void }) => {
    const { store: eventStore, items } = logOf(HISTORY);
    const fill = async (count: number): Promise<void> => {
      const documents = opened.store.documents('v2');
      await projecting(eventStore, documents).handle(batchOf(items.slice(0, count)));
    };
    const watch = () =>
      watchRebuild({
        eventStore,
        readStore: opened.store,
        logId: LOG_ID,
        version: 'v2',
        everyMs: 1,
        onProgress: () => undefined,
        signal: new AbortController().signal,
        ...options,
      });
    return { fill, watch };
  };

  const stateOf = async (name: string) =>
    (await opened.store.versions()).find((version) => version.name === name)?.state;

  it('is ready once it has reached the end of the log and equals it', async () => {
    const shown: WatchProgress[] = [];
    let filled: Promise<void> | undefined;
    const { fill, watch } = watching({
      onProgress: (progress) => {
        shown.push(progress);
        filled ??= fill(HISTORY.length);
      },
    });
    const built = await watch();
    await filled;
    expect(built).to.deep.include({ kind: 'built', state: 'ready' });
    expect(shown[0]).to.deep.equal({ events: 0, total: 3 });
    expect(shown.at(-1)).to.deep.equal({ events: 3, total: 3 });
    expect(await stateOf('v2')).to.equal('ready');
    expect(await stateOf('v1')).to.equal('active');
  });

  it('reports where it stopped when no projector fills it, and continues from there', async () => {
    const { fill, watch } = watching({ patienceMs: 20 });
    expect(await watch()).to.deep.equal({ kind: 'stalled', events: 0, total: 3 });
    expect(await stateOf('v2')).to.equal('building');
    await fill(3);
    expect(await watch()).to.have.property('state', 'ready');
  });

  it('is not ready where a document differs from the log', async () => {
    const { fill, watch } = watching({});
    await opened.store.createVersion('v2', LOG_ID);
    await fill(3);
    const documents = opened.store.documents('v2');
    for await (const anime of documents.allAnimes()) {
      const wrong = { ...anime, generation: 1, clicks: 77 };
      await documents.save({ interactions: [], days: [], animes: [wrong] });
    }
    const built = await watch();
    expect(built).to.have.nested.property('comparison.equal', false);
    expect(await stateOf('v2')).to.equal('building');
  });
});

describe('a rebuild in one process', () => {
  let opened: Awaited<ReturnType<typeof openTemporaryReadStore>>;

  beforeEach(async () => {
    opened = await openTemporaryReadStore();
    await opened.store.createVersion('v1', LOG_ID);
  });
  afterEach(() => opened.stop());

  const clicks = (count: number, animes: number): Happening[] =>
    Array.from({ length: count }, (_, index) => {
      const id = (index % animes) + 1;
      const data = { ...events.click.data, animeId: animeId(id) };
      return { anime: id, event: { ...events.click, data } };
    });

  const building = (history: readonly Happening[] = HISTORY) => {
    const { store: eventStore } = logOf(history);
    const deadLetters = inMemoryDeadLetters();
    const build = (options: Partial<RebuildOptions> = {}) =>
      rebuild({
        eventStore,
        readStore: opened.store,
        deadLetters,
        logId: LOG_ID,
        logger: silentLogger(),
        metrics: createMetrics({ processMetrics: false }),
        version: 'v2',
        now: () => 0,
        ...options,
      });
    return { eventStore, deadLetters, build };
  };

  const stateOf = async (name: string) =>
    (await opened.store.versions()).find((version) => version.name === name)?.state;

  /** A read store whose documents count or refuse saves. */
  const savingThrough = (before: () => Promise<void> | void): ReadStore => ({
    ...opened.store,
    documents: (version) => {
      const documents = opened.store.documents(version);
      const save: typeof documents.save = async (batch) => {
        await before();
        return documents.save(batch);
      };
      return { ...documents, save };
    },
  });

  it('is ready once it equals the log, and remembers how far the log was read', async () => {
    const { eventStore, build } = building();
    const shown: unknown[] = [];
    const compared: unknown[] = [];
    const result = await build({
      onProgress: (progress) => shown.push(progress),
      onCompared: (progress) => compared.push(progress),
    });
    const position = eventStore.log.at(-1)?.position;
    expect(result).to.deep.include({ version: 'v2', state: 'ready', events: 3 });
    expect(result.comparison).to.include({ equal: true, animes: 1, events: 3 });
    expect(result.elapsedMs).to.be.within(0, 60_000);
    expect(shown).to.deep.equal([{ events: 3, position }]);
    expect(compared).to.deep.equal([{ animes: 0, total: 1 }]);
    expect(await opened.store.documents('v2').flushed()).to.deep.equal(position);
    expect(await stateOf('v2')).to.equal('ready');
  });

  it('is ready at once where the log is empty', async () => {
    const result = await building([]).build();
    expect(result).to.deep.include({ state: 'ready', events: 0 });
    expect(await opened.store.documents('v2').flushed()).to.equal(null);
  });

  it('is ready without a comparison where none is asked for', async () => {
    const result = await building().build({ compare: false });
    expect(result).to.deep.include({ state: 'ready', comparison: null });
  });

  it('leaves an active version active', async () => {
    const result = await building().build({ version: 'v1' });
    expect(result).to.have.nested.property('comparison.equal', true);
    expect(result.state).to.equal('active');
    expect(await stateOf('v1')).to.equal('active');
  });

  it('is not ready where a document differs from the log', async () => {
    const { eventStore, build } = building();
    const { items } = logOf(HISTORY);
    await opened.store.createVersion('v2', LOG_ID);
    const documents = opened.store.documents('v2');
    await projecting(eventStore, documents).handle(batchOf(items));
    const [anime] = await documents.animes([animeId(1)]);
    if (anime === undefined) expect.fail();
    const wrong = { ...anime, generation: 1, clicks: 77 };
    await documents.save({ interactions: [], days: [], animes: [wrong] });
    const result = await build();
    expect(result).to.have.nested.property('comparison.differing', 1);
    expect(result.state).to.equal('building');
    expect(await stateOf('v2')).to.equal('building');
  });

  for (const [batchEvents, saves] of [
    [1, 12],
    [2, 6],
    [100, 3],
  ] as const) {
    it(`saves batches of ${batchEvents} per worker, and computes the same documents`, async () => {
      let saved = 0;
      const readStore = savingThrough(() => void (saved += 1));
      const { build } = building(clicks(12, 3));
      const result = await build({ readStore, workers: 3, batchEvents });
      expect(result).to.have.nested.property('comparison.equal', true);
      expect(result.events).to.equal(12);
      expect(saved).to.equal(saves);
    });
  }

  it('reports its progress every 5,000 events', async () => {
    const shown: number[] = [];
    const { build } = building(clicks(5001, 1));
    await build({ compare: false, onProgress: (progress) => shown.push(progress.events) });
    expect(shown).to.deep.equal([5000, 5001]);
  });

  it('fails with the error of a save, and stays incomplete', async () => {
    const full = new Error('The disk is full.');
    const readStore = savingThrough(() => Promise.reject(full));
    for (const batchEvents of [1, 100]) {
      const { build } = building(clicks(8, 1));
      expect(await rejectionOf(build({ readStore, batchEvents }))).to.equal(full);
      expect(await stateOf('v2')).to.equal('building');
    }
  });

  it('lists an event of no anime as a dead letter, and counts all others', async () => {
    const { eventStore, deadLetters, build } = building();
    const data = new Uint8Array([1, 2]);
    eventStore.record('anime-x', { id: 'x', type: 'ClickRegistered', data, metadata: {} });
    const result = await build();
    expect(result).to.deep.include({ state: 'ready', events: 4 });
    expect(deadLetters.letters).to.deep.equal([
      {
        stream: 'anime-x',
        revision: 0,
        source: 'anime-x',
        reason: 'the stream is not that of an anime',
        value: data,
        at: '1970-01-01T00:00:00.000Z',
      },
    ]);
  });

  it('is not ready where the log delivers an event that its stream does not have', async () => {
    const { eventStore, build } = building();
    const misplaced: EventStore = {
      ...eventStore,
      async *subscribeToAll(options) {
        for await (const item of eventStore.subscribeToAll(options)) {
          if (item.kind !== 'event' || item.event.revision < 2n) yield item;
          else yield { ...item, event: { ...item.event, revision: 99n } };
        }
      },
    };
    const error = await rejectionOf(build({ eventStore: misplaced }));
    expect(error).to.be.instanceOf(UnavailableError);
    expect(await stateOf('v2')).to.equal('building');
  });
});
