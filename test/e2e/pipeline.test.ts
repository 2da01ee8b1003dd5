import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { createInProcessBus } from '../../src/adapters/embedded/bus/bus.js';
import { createBridge } from '../../src/bridge/bridge.js';
import { compareWithLog } from '../../src/read-side/audit/compare.js';
import { createProjector } from '../../src/read-side/projector/projector.js';
import { rebuild } from '../../src/read-side/rebuild/rebuild.js';
import { openEmbedded, type Embedded } from '../support/embedded.js';
import { eventually } from '../support/eventually.js';
import { animeId } from '../support/examples.js';
import { append } from '../support/happenings.js';
import { LOG_ID } from '../support/histories.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const VERSION = 'v1';

/** From the log into the documents of some versions, as one process has it. */
const startPipeline = async (embedded: Embedded, versions: readonly string[] = [VERSION]) => {
  const { eventStore, readStore } = embedded;
  for (const version of versions) await readStore.createVersion(version, LOG_ID);
  const bus = createInProcessBus({ logger: embedded.logger, partitions: 2 });
  for (const version of versions) {
    const documents = readStore.documents(version);
    const projector = createProjector({
      ...embedded,
      documents,
      logId: LOG_ID,
      version: 'v1',
    });
    await bus.consumer(version).start(projector.handle);
  }
  const documents = readStore.documents(VERSION);
  const bridge = createBridge({
    ...embedded,
    bus,
    logId: LOG_ID,
    takeOverAfterMs: 0,
    flushed: {
      load: () => documents.flushed(),
      save: (position) => documents.setFlushed(position),
    },
  });
  await bridge.start();
  return {
    caughtUp: (version = VERSION) =>
      eventually(async () => {
        const comparison = await compareWithLog({
          eventStore,
          documents: readStore.documents(version),
        });
        expect(comparison.differences).to.deep.equal([]);
        expect(comparison.behind).to.deep.equal([]);
      }),
    stop: async () => {
      await bridge.stop();
      await bus.close();
    },
  };
};

const rebuilding = (embedded: Embedded, version: string) => ({
  ...embedded,
  version,
  logId: LOG_ID,
  batchEvents: 20,
});

describe('the embedded pipeline', () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let embedded: Embedded;
  beforeEach(async () => {
    directory = await temporaryDirectory();
    embedded = await openEmbedded(directory.path);
  });
  afterEach(async () => {
    await embedded.close();
    await directory.remove();
  });

  const reopen = async (): Promise<void> => {
    await embedded.close();
    embedded = await openEmbedded(directory.path);
  };

  it('turns every event into documents that equal a fold of the log', async () => {
    await append(embedded.eventStore, 0, 60);
    const pipeline = await startPipeline(embedded);
    await pipeline.caughtUp();
    const pushed = animeId((60 % 5) + 1);
    // The saves before it can be read a moment before they are told of.
    const saved = new Promise<void>((resolve) => {
      embedded.readStore.onSaved((documents) => {
        if (documents.some((document) => document.animeId === pushed)) resolve();
      });
    });
    await append(embedded.eventStore, 60, 61);
    await saved;
    await append(embedded.eventStore, 61, 120);
    await pipeline.caughtUp();
    await pipeline.stop();
  });

  it('continues where it stopped, without a repeat', async () => {
    await append(embedded.eventStore, 0, 40);
    const first = await startPipeline(embedded);
    await first.caughtUp();
    await first.stop();
    await reopen();
    await append(embedded.eventStore, 40, 80);
    const second = await startPipeline(embedded);
    await second.caughtUp();
    await second.stop();
    expect((await embedded.metrics.projectorDuplicates.get()).values[0]?.value).to.equal(0);
    expect((await embedded.metrics.projectorGaps.get()).values[0]?.value).to.equal(0);
  });

  it('recomputes all documents when they were lost, whatever the checkpoint says', async () => {
    await append(embedded.eventStore, 0, 40);
    const first = await startPipeline(embedded);
    await first.caughtUp();
    await first.stop();
    await embedded.close();
    await rm(join(directory.path, 'read-models'), { recursive: true });
    embedded = await openEmbedded(directory.path);
    const second = await startPipeline(embedded);
    await second.caughtUp();
    await second.stop();
  });

  it('feeds every version from its beginning', async () => {
    const pipeline = await startPipeline(embedded, [VERSION, 'v2']);
    await append(embedded.eventStore, 0, 50);
    await pipeline.caughtUp(VERSION);
    await pipeline.caughtUp('v2');
    await pipeline.stop();
  });

  it('rebuilds a version next to the active one, and marks it ready once it is equal', async () => {
    await append(embedded.eventStore, 0, 150);
    const pipeline = await startPipeline(embedded);
    await pipeline.caughtUp();
    const seen: number[] = [];
    const result = await rebuild({
      ...rebuilding(embedded, 'v2'),
      onProgress: ({ events }) => seen.push(events),
    });
    expect(result).to.include({ version: 'v2', state: 'ready', events: 150 });
    expect(result.comparison).to.include({ equal: true, animes: 5, differing: 0 });
    expect(seen.at(-1)).to.equal(150);
    expect(await embedded.readStore.active()).to.include({ name: VERSION });
    await embedded.readStore.promote('v2');
    await pipeline.stop();
  });

  it('continues an interrupted rebuild', async () => {
    await append(embedded.eventStore, 0, 150);
    await embedded.readStore.createVersion(VERSION, LOG_ID);
    const broken = new AbortController();
    const documents = embedded.readStore.documents.bind(embedded.readStore);
    let saves = 0;
    const breaking = {
      ...embedded.readStore,
      documents: (version: string) => {
        const all = documents(version);
        return {
          ...all,
          save: async (batch: Parameters<typeof all.save>[0]) => {
            saves += 1;
            if (saves === 3) broken.abort(new Error('Broken off.'));
            return await all.save(batch);
          },
        };
      },
    };
    const options = rebuilding(embedded, 'v2');
    const error: unknown = await rebuild({
      ...options,
      readStore: breaking,
      signal: broken.signal,
    }).catch((reason: unknown) => reason);
    expect(error).to.have.property('message', 'Broken off.');
    await reopen();
    const result = await rebuild(rebuilding(embedded, 'v2'));
    expect(result).to.include({ state: 'ready', events: 150 });
    expect(result.comparison).to.include({ equal: true });
  });

  it('rebuilds a version that is fed at the same time', async () => {
    await append(embedded.eventStore, 0, 150);
    const pipeline = await startPipeline(embedded, [VERSION, 'v2']);
    const [result] = await Promise.all([
      rebuild({ ...rebuilding(embedded, 'v2'), compare: false }),
      append(embedded.eventStore, 150, 200),
    ]);
    expect(result.state).to.equal('ready');
    await pipeline.caughtUp('v2');
    await pipeline.stop();
  });

  it('reports no difference for a document whose stream is gone', async () => {
    await append(embedded.eventStore, 0, 30);
    const pipeline = await startPipeline(embedded);
    await pipeline.caughtUp();
    await pipeline.stop();
    const { eventStore } = embedded;
    await eventStore.deleteStream('anime-2');
    await eventStore.tombstoneStream('anime-3');
    const documents = embedded.readStore.documents(VERSION);
    const comparison = await compareWithLog({ eventStore, documents });
    expect(comparison).to.deep.include({ equal: true, incomparable: [2, 3], behind: [] });
    const rebuilt = await rebuild(rebuilding(embedded, 'v2'));
    expect(rebuilt).to.have.property('state', 'ready');
  });

  it('reports a document that differs from the log', async () => {
    await append(embedded.eventStore, 0, 30);
    const pipeline = await startPipeline(embedded);
    await pipeline.caughtUp();
    await pipeline.stop();
    const documents = embedded.readStore.documents(VERSION);
    const [anime] = await documents.animes([animeId(1)]);
    if (anime === undefined) expect.fail();
    const wrong = { ...anime, generation: 1, clicks: anime.clicks + 1 };
    await documents.save({ interactions: [], days: [], animes: [wrong] });
    const { eventStore } = embedded;
    const comparison = await compareWithLog({ eventStore, documents });
    expect(comparison).to.include({ equal: false, differing: 1 });
    const [difference] = comparison.differences;
    expect(difference).to.include({ animeId: 1, document: 'anime', revision: anime.revision });
    expect(difference?.expected).to.deep.equal({ ...anime, generation: 1 });
    await append(eventStore, 30, 31);
    const later = await compareWithLog({ eventStore, documents });
    expect(later.behind).to.deep.equal([{ animeId: (30 % 5) + 1, head: 6, by: 1 }]);
  });
});
