import { expect } from 'chai';
import { watchRebuild, type WatchProgress } from '../../src/read-side/rebuild/watch.js';
import { events } from '../support/examples.js';
import { LOG_ID, logOf, type Happening } from '../support/histories.js';
import { batchOf, projecting } from '../support/projecting.js';
import { openTemporaryReadStore } from '../support/read-store.js';

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
