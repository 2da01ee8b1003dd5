import { expect } from 'chai';
import { MongoClient, type Db } from 'mongodb';
import { OtherFingerprintError, PortError } from '../../src/ports/errors.js';
import { animeId } from '../support/examples.js';
import { aBatch, aDay, anAnimeDocument, anInteraction } from '../support/read-store.js';
import { rejectionOf } from '../support/rejection-of.js';
import { freshDatabase, openMongodbStore } from '../support/stack/mongodb-store.js';
import { dropDatabase, openMongodb } from '../support/stack/mongodb.js';
import { orSkip } from '../support/stack/server.js';

const everything = aBatch({
  animes: [anAnimeDocument()],
  interactions: [anInteraction()],
  days: [aDay()],
});

describe('versions of the read models that processes share in MongoDB', function () {
  this.timeout(60_000);
  let url: string;
  let client: MongoClient | undefined;
  let database: string;
  const stores: Awaited<ReturnType<typeof openMongodbStore>>[] = [];

  const openStore = async () => {
    const store = await openMongodbStore(url, { database });
    stores.push(store);
    return store;
  };

  const db = (): Db => {
    if (client === undefined) throw new Error('There is no server.');
    return client.db(database);
  };

  const collections = async (): Promise<string[]> => {
    const all = await db().listCollections({}, { nameOnly: true }).toArray();
    return all.map(({ name }) => name).sort();
  };

  before(async function () {
    this.timeout(300_000);
    url = (await orSkip(this, 'mongodb', openMongodb)).address;
    client = new MongoClient(url);
  });

  after(() => client?.close());

  beforeEach(() => {
    database = freshDatabase();
  });

  afterEach(async () => {
    await Promise.all(stores.splice(0).map((store) => store.close()));
    await dropDatabase(url, database);
  });

  it('have one active when two processes create the first one at the same time', async () => {
    const [one, other] = [await openStore(), await openStore()];
    await Promise.all([one.createVersion('v1', 'log-1'), other.createVersion('v2', 'log-1')]);
    const versions = await one.versions();
    expect(await other.versions()).to.deep.equal(versions);
    expect(versions.map(({ name }) => name)).to.have.members(['v1', 'v2']);
    expect(versions.map(({ state }) => state)).to.deep.equal(['active', 'building']);
    expect(await other.active()).to.deep.equal(versions[0]);
  });

  it('are one when two processes create the same one at the same time', async () => {
    const [one, other] = [await openStore(), await openStore()];
    const made = await Promise.all([
      one.createVersion('v1', 'log-1'),
      other.createVersion('v1', 'log-1'),
    ]);
    expect(await one.versions()).to.deep.equal([made[0]]);
    expect(made[1]).to.deep.equal(made[0]);
    await one.documents('v1').save(everything);
    expect(await other.queries('v1').anime(animeId(1))).to.deep.equal(anAnimeDocument());
  });

  it('are promoted for every process at once', async () => {
    const [one, other] = [await openStore(), await openStore()];
    await one.createVersion('v1', 'log-1');
    await one.createVersion('v2', 'log-1');
    expect(await other.active()).to.have.property('name', 'v1');
    await one.promote('v2');
    expect(await other.active()).to.have.property('name', 'v2');
  });

  it('leave nothing behind when they are pruned', async () => {
    const store = await openStore();
    await store.createVersion('v1', 'log-1');
    await store.documents('v1').save(everything);
    await store.documents('v1').setFlushed({ commit: 1n, prepare: 1n });
    const before = await collections();
    await store.createVersion('v2', 'log-1');
    await store.documents('v2').save(everything);
    await store.documents('v2').setFlushed({ commit: 1n, prepare: 1n });
    expect(await collections()).to.have.length(before.length + 4);
    await store.prune('v2');
    expect(await collections()).to.deep.equal(before);
    expect(await store.documents('v1').animes([animeId(1)])).to.have.length(1);
  });

  it('are pruned completely by the next prune after a crash', async () => {
    const store = await openStore();
    await store.createVersion('v1', 'log-1');
    const before = await collections();
    await db().createCollection('v_0123456789abcdef01234567_animes');
    await db().createCollection('somebody_elses');
    await store.prune('v9');
    expect(await collections()).to.deep.equal([...before, 'somebody_elses'].sort());
  });

  it('do not come back by a save of a process that has not noticed the pruning', async () => {
    const [pruning, saving] = [await openStore(), await openStore()];
    await pruning.createVersion('v1', 'log-1');
    const before = await collections();
    await pruning.createVersion('v2', 'log-1');
    const documents = saving.documents('v2');
    await documents.save(everything);
    await pruning.prune('v2');
    for (const call of [documents.save(everything), documents.animes([animeId(1)])]) {
      const error = await rejectionOf(call);
      expect(error).to.be.instanceOf(PortError).and.to.have.property('code', 'NOT_FOUND');
    }
    expect(await collections()).to.deep.equal(before);
  });

  it('are new to every process when one is recreated under an old name', async () => {
    const [making, reading] = [await openStore(), await openStore()];
    await making.createVersion('v1', 'log-1');
    await making.createVersion('v2', 'log-1');
    await making.documents('v2').save(everything);
    expect(await reading.queries('v2').anime(animeId(1))).to.deep.equal(anAnimeDocument());
    await making.prune('v2');
    await making.createVersion('v2', 'log-1');
    expect(await reading.queries('v2').anime(animeId(1))).to.equal(null);
    await making.documents('v2').save(everything);
    expect(await reading.queries('v2').anime(animeId(1))).to.deep.equal(anAnimeDocument());
  });

  it('have another fingerprint where a release without fingerprints created them', async () => {
    const before = await openStore();
    await before.createVersion('v1', 'log-1');
    await db()
      .collection<{ readonly _id: string }>('versions')
      .updateOne({ _id: 'versions' }, { $unset: { 'versions.0.fingerprint': '' } });
    const store = await openStore();
    expect(await store.active()).to.include({ name: 'v1', fingerprint: null });
    const error = await rejectionOf(store.queries('v1').genres());
    expect(error).to.be.instanceOf(OtherFingerprintError);
    await store.createVersion('v2', 'log-1');
    await store.promote('v2');
    await store.prune('v1');
    expect(await store.versions()).to.have.length(1);
  });
});
