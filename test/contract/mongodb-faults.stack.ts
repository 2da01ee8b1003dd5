import { expect } from 'chai';
import { UnavailableError } from '../../src/ports/errors.js';
import type { ReadStore } from '../../src/ports/read-store.js';
import { animeId, userId } from '../support/examples.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { aBatch, anAnimeDocument, anInteraction } from '../support/read-store.js';
import { rejectionOf } from '../support/rejection-of.js';
import { freshDatabase, openMongodbStore } from '../support/stack/mongodb-store.js';
import { startOwnMongodb } from '../support/stack/mongodb.js';
import { orSkip } from '../support/stack/server.js';
import type { StackServer } from '../support/stack/server.js';
import { tcpProxy, type TcpProxy } from '../support/tcp-proxy.js';
import { collect } from './read-store/given.js';

const TIMEOUT_MS = 1_500;
/** How late a time-out may fire on a busy machine. */
const SLACK_MS = 1_500;

const callsOf = (store: ReadStore): Readonly<Record<string, () => Promise<unknown>>> => {
  const [documents, queries] = [store.documents('v1'), store.queries('v1')];
  return {
    ping: () => store.ping(),
    active: () => store.active(),
    promote: () => store.promote('v1'),
    animes: () => documents.animes([animeId(1)]),
    save: () => documents.save(aBatch({ animes: [anAnimeDocument({ revision: 9 })] })),
    setFlushed: () => documents.setFlushed({ commit: 9n, prepare: 9n }),
    allAnimes: () => collect(documents.allAnimes()),
    topByViews: () => queries.topByViews(1),
    trending: () => queries.trending('2026-11-24', 1),
    interactionsOf: () => queries.interactionsOf(userId('spike'), 1, null),
    activity: () => queries.activity({ from: '2026-11-24', to: '2026-11-24' }),
  };
};

const expectAllUnavailableInTime = async (store: ReadStore): Promise<void> => {
  const begun = performance.now();
  const calls = Object.entries(callsOf(store)).map(async ([name, call]) => {
    expect(await rejectionOf(call()), name).to.be.instanceOf(UnavailableError);
    expect(performance.now() - begun, name).to.be.lessThan(TIMEOUT_MS + SLACK_MS);
  });
  await Promise.all(calls);
};

describe('a MongoDB that fails', function () {
  this.timeout(120_000);
  let server: StackServer | undefined;
  let line: TcpProxy;
  let store: ReadStore;

  before(async function () {
    this.timeout(300_000);
    server = await orSkip(this, 'mongodb', startOwnMongodb, { own: true });
    const { hostname, port, search } = new URL(server.address);
    line = await tcpProxy({ host: hostname, port: Number(port) });
    const url = `mongodb://127.0.0.1:${line.port}/${search}`;
    store = await openMongodbStore(url, { database: freshDatabase(), timeoutMs: TIMEOUT_MS });
    await store.createVersion('v1', 'log-1');
  });

  after(async () => {
    if (server === undefined) return;
    await store.close();
    await line.stop();
    await server.stop();
  });

  it('is unavailable within the time-out where nobody listens', async () => {
    const url = `mongodb://127.0.0.1:${await freePort()}/`;
    const begun = performance.now();
    const error = await rejectionOf(openMongodbStore(url, { timeoutMs: TIMEOUT_MS }));
    expect(error).to.be.instanceOf(UnavailableError).and.to.have.property('retriable', true);
    expect(performance.now() - begun).to.be.lessThan(TIMEOUT_MS + SLACK_MS);
  });

  it('is unavailable within the time-out while it is down, and continues afterwards', async () => {
    const one = anAnimeDocument({ revision: 1 });
    await store.documents('v1').save(aBatch({ animes: [one] }));
    await store.documents('v1').setFlushed({ commit: 5n, prepare: 5n });
    await server?.kill();
    await expectAllUnavailableInTime(store);

    await server?.start();
    await eventually(() => store.ping(), { withinMs: 10_000 });
    expect(await store.documents('v1').flushed()).to.deep.equal({ commit: 5n, prepare: 5n });
    expect(await store.documents('v1').animes([one.animeId])).to.deep.equal([one]);
    const next = { ...one, revision: 2 };
    expect(await store.documents('v1').save(aBatch({ animes: [next] }))).to.deep.equal({
      refused: 0,
    });
    expect(await store.queries('v1').anime(one.animeId)).to.deep.equal(next);
  });

  it('ends a save in flight with a result or as unavailable, and accepts it again', async () => {
    const batch = aBatch({
      interactions: Array.from({ length: 2_000 }, (_, n) =>
        anInteraction({ animeId: animeId(2), userId: userId(`user-${n}`) }),
      ),
      animes: [anAnimeDocument({ animeId: animeId(2) })],
    });
    const saving = store.documents('v1').save(batch);
    await eventually(async () => {
      expect(await store.queries('v1').interactionsOf(userId('user-0'), 1, null))
        .to.have.property('items')
        .that.has.length(1);
    });
    await server?.kill();
    const outcome = await saving.then(
      () => 'saved',
      (error: unknown) => error,
    );
    if (outcome !== 'saved') expect(outcome).to.be.instanceOf(UnavailableError);

    await server?.start();
    await eventually(() => store.documents('v1').save(batch), { withinMs: 20_000 });
    expect(await collect(store.documents('v1').allInteractions(animeId(2)))).to.have.length(2_000);
    expect(await store.documents('v1').animes([animeId(2)])).to.deep.equal(batch.animes);
  });

  it('is unavailable within the time-out when it never responds', async () => {
    await store.ping();
    line.set({ kind: 'black-hole' });
    await expectAllUnavailableInTime(store);
    line.set({ kind: 'open' });
    line.reset();
    await eventually(() => store.ping(), { withinMs: 10_000 });
  });
});
