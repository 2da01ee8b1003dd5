import { expect } from 'chai';
import { silentLogger } from '../../src/platform/observability/logger.js';
import { createMetrics } from '../../src/platform/observability/metrics.js';
import { UnavailableError } from '../../src/ports/errors.js';
import type { EventStore } from '../../src/ports/event-store.js';
import type { DocumentStore, ReadStore } from '../../src/ports/read-store.js';
import { rebuild, type RebuildOptions } from '../../src/read-side/rebuild/rebuild.js';
import {
  forgetDeleted,
  watchRebuild,
  type WatchProgress,
  type WatchRebuildOptions,
} from '../../src/read-side/rebuild/watch.js';
import { animeId, events } from '../support/examples.js';
import { itemsOf, LOG_ID, logOf, type Happening } from '../support/histories.js';
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

  const watching = (
    options: Partial<WatchRebuildOptions>,
    history: readonly Happening[] = HISTORY,
  ) => {
    const { store: eventStore } = logOf(history);
    const { version = 'v2' } = options;
    const fill = async (count: number): Promise<void> => {
      const documents = opened.store.documents(version);
      const items = itemsOf(eventStore).slice(0, count);
      await projecting(eventStore, documents).handle(batchOf(items));
    };
    const watch = (more: Partial<WatchRebuildOptions> = {}) =>
      watchRebuild({
        eventStore,
        readStore: opened.store,
        logId: LOG_ID,
        version: 'v2',
        everyMs: 1,
        onProgress: () => undefined,
        signal: new AbortController().signal,
        ...options,
        ...more,
      });
    return { eventStore, fill, watch };
  };

  /** A read store with other ways to read the anime of each version. */
  const readingThrough = (
    change: (documents: DocumentStore) => Partial<Pick<DocumentStore, 'animes' | 'allAnimes'>>,
  ): ReadStore => ({
    ...opened.store,
    documents: (version) => {
      const documents = opened.store.documents(version);
      return { ...documents, ...change(documents) };
    },
  });

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

  it('is waited for as long as new events come, however slowly', async () => {
    const { fill, watch } = watching({ patienceMs: 0 });
    let looks = 0;
    const readStore = readingThrough((documents) => ({
      animes: async (ids) => {
        await fill(looks);
        looks += 1;
        return documents.animes(ids);
      },
    }));
    expect(await watch({ readStore })).to.include({ kind: 'built', state: 'ready' });
  });

  it('is waited for while the patience lasts, without any new event', async () => {
    const { fill, watch } = watching({});
    let looks = 0;
    const readStore = readingThrough((documents) => ({
      animes: async (ids) => {
        looks += 1;
        if (looks === 4) await fill(3);
        return documents.animes(ids);
      },
    }));
    expect(await watch({ readStore })).to.include({ kind: 'built', state: 'ready' });
  });

  it('is compared without the anime whose streams were deleted', async () => {
    const data = { ...events.click.data, animeId: animeId(2) };
    const history = [...HISTORY, { anime: 2, event: { ...events.click, data } }];
    const { eventStore, fill, watch } = watching({ patienceMs: 1_000 }, history);
    await opened.store.createVersion('v2', LOG_ID);
    await fill(3);
    await eventStore.deleteStream('anime-2');
    const built = await watch();
    expect(built).to.include({ kind: 'built', state: 'ready' });
    expect(built).to.have.nested.property('comparison.incomparable').deep.equal([2]);
  });

  it('looks for deleted streams among twenty late anime at a time', async () => {
    const ids = Array.from({ length: 25 }, (_, index) => animeId(index + 1));
    const { store: eventStore } = logOf(HISTORY);
    const heads = new Map(ids.map((id) => [id, 0]));
    const late = () => [...heads.keys()].map((id) => ({ animeId: id, head: 0, by: 1 }));
    await forgetDeleted(eventStore, heads, late());
    expect([...heads.keys()]).to.deep.equal([1, 21, 22, 23, 24, 25]);
    await forgetDeleted(eventStore, heads, late());
    expect([...heads.keys()]).to.deep.equal([1]);
  });

  for (const [name, waitMs, state, behind] of [
    ['is ready where documents of a log that grew come in time', 60_000, 'ready', []],
    ['is not ready as long as a log that grew is not followed', 0, 'building', [1]],
  ] as const) {
    it(name, async () => {
      const grow = ({ events: reached, total }: WatchProgress): void => {
        if (reached < total) return;
        const [, click] = eventStore.log;
        if (click === undefined) expect.fail();
        const { type, data } = click;
        eventStore.record('anime-1', { id: 'later', type, data, metadata: {} });
      };
      const { eventStore, fill, watch } = watching({ waitMs, onProgress: grow });
      await opened.store.createVersion('v2', LOG_ID);
      await fill(3);
      const readStore = readingThrough((documents) => ({
        async *allAnimes() {
          yield* documents.allAnimes();
          await fill(4);
        },
      }));
      const built = await watch({ readStore });
      if (built.kind !== 'built') expect.fail();
      expect(built.state).to.equal(state);
      expect(built.comparison.equal).to.equal(behind.length === 0);
      expect(built.comparison.behind.map((late) => late.animeId)).to.deep.equal(behind);
      expect(await stateOf('v2')).to.equal(state);
    });
  }

  it('leaves an active version active', async () => {
    const { fill, watch } = watching({ version: 'v1' });
    await fill(3);
    const built = await watch();
    expect(built).to.include({ kind: 'built', state: 'active' });
    expect(built).to.have.nested.property('comparison.equal', true);
    expect(await stateOf('v1')).to.equal('active');
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
    expect(built).to.have.property('state', 'building');
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
    const begun = performance.now();
    const result = await build({
      onProgress: (progress) => shown.push(progress),
      onCompared: (progress) => compared.push(progress),
    });
    const position = eventStore.log.at(-1)?.position;
    expect(result).to.deep.include({ version: 'v2', state: 'ready', events: 3 });
    expect(result.comparison).to.include({ equal: true, animes: 1, events: 3 });
    expect(result.elapsedMs).to.be.within(0, performance.now() - begun);
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

  it('passes over the events of other streams', async () => {
    const { eventStore, build } = building();
    const other = { id: 'x', type: 'Note', data: new Uint8Array(), metadata: {} };
    eventStore.record('note-1', other);
    const result = await build();
    expect(result).to.deep.include({ state: 'ready', events: 3 });
    expect(result.comparison).to.include({ equal: true, animes: 1 });
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
