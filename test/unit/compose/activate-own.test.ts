import { expect } from 'chai';
import { openEmbeddedReadStore } from '../../../src/adapters/embedded/read-store/open-read-store.js';
import { activateOwn, ownVersions } from '../../../src/compose/versions.js';
import { createLifecycle } from '../../../src/platform/lifecycle.js';
import { silentLogger } from '../../../src/platform/observability/logger.js';
import type { ReadStore } from '../../../src/ports/read-store.js';
import { eventually } from '../../support/eventually.js';
import { events } from '../../support/examples.js';
import { LOG_ID, logOf } from '../../support/histories.js';
import { aBatch, anAnimeDocument } from '../../support/read-store.js';
import { temporaryDirectory } from '../../support/temporary-directory.js';

const logger = silentLogger();

describe('versions of this release next to an active one of another', () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let opened: ReadStore[];
  let lifecycle: ReturnType<typeof createLifecycle>;

  beforeEach(async () => {
    directory = await temporaryDirectory();
    opened = [];
    lifecycle = createLifecycle({ logger, timeoutMs: 5_000 });
  });
  afterEach(async () => {
    await lifecycle.close();
    for (const store of opened) await store.close();
    await directory.remove();
  });

  /** The store as opened by a release that computes this many clicks from the same events. */
  const ofRelease = async (clicks: number): Promise<ReadStore> => {
    await opened.at(-1)?.close();
    const examples = aBatch({ animes: [anAnimeDocument({ clicks })] });
    const store = await openEmbeddedReadStore({ dataDir: directory.path, logger, examples });
    opened.push(store);
    return store;
  };

  const { store: eventStore } = logOf([{ anime: 1, event: events.listed }]);

  const serve = async (readStore: ReadStore, isCaughtUp = false) => {
    const own = await ownVersions(readStore, LOG_ID);
    const needs = { lifecycle, logger };
    const caughtUp = () => isCaughtUp;
    return activateOwn(needs, { readStore, eventStore, own, caughtUp, lookEveryMs: 5 });
  };

  const statesOf = async (store: ReadStore) =>
    (await store.versions()).map(({ name, state }) => `${name} ${state}`);

  const become = (store: ReadStore, ...states: string[]) =>
    eventually(async () => expect(await statesOf(store)).to.deep.equal(states));

  it('become active once they hold all events that the log held, and not before', async () => {
    await serve(await ofRelease(1));
    const next = await ofRelease(2);
    const { progress } = await serve(next);
    await eventually(() =>
      expect(progress()).to.equal('v2 is being built from the log: 0 of 1 events (0 %).'),
    );
    expect(await statesOf(next)).to.deep.equal(['v1 active', 'v2 building']);
    await next.documents('v2').save(aBatch({ animes: [anAnimeDocument()] }));
    await become(next, 'v1 old', 'v2 active');
  });

  it('become active when the bus has delivered everything', async () => {
    await serve(await ofRelease(1));
    const next = await ofRelease(2);
    await serve(next, true);
    await become(next, 'v1 old', 'v2 active');
  });

  it('are activated again by the release before, after a downgrade', async () => {
    await serve(await ofRelease(1), true);
    const next = await ofRelease(2);
    await serve(next, true);
    await become(next, 'v1 old', 'v2 active');
    await lifecycle.close();
    lifecycle = createLifecycle({ logger, timeoutMs: 5_000 });
    const before = await ofRelease(1);
    await serve(before, true);
    await become(before, 'v1 active', 'v2 old');
  });

  it('keep one version of another release on the disk: the previously active one', async () => {
    for (const release of [1, 2, 3]) {
      const store = await ofRelease(release);
      await serve(store, true);
      await eventually(async () => {
        expect((await store.active())?.fingerprint).to.equal(store.fingerprint);
      });
      await lifecycle.close();
      lifecycle = createLifecycle({ logger, timeoutMs: 5_000 });
    }
    const last = await ofRelease(3);
    expect(await statesOf(last)).to.deep.equal(['v2 old', 'v3 active']);
  });
});
