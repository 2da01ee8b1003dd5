import { expect } from 'chai';
import { MongoClient, type Document } from 'mongodb';
import { INDEXES } from '../../src/adapters/mongodb/version-collections.js';
import type { ReadStore } from '../../src/ports/read-store.js';
import { animeId, AT, COWBOY_BEBOP, userId } from '../support/examples.js';
import { aBatch, aDay, anAnimeDocument, anInteraction } from '../support/read-store.js';
import { isFerretdb1 } from '../support/stack/mongodb-answers.js';
import { mongodbRelay, type MongodbRelay } from '../support/stack/mongodb-relay.js';
import { freshDatabase, openMongodbStore } from '../support/stack/mongodb-store.js';
import { startOwnMongodb } from '../support/stack/mongodb.js';
import { orSkip, type StackServer } from '../support/stack/server.js';
import { collect } from './read-store/given.js';

const TIMEOUT_MS = 9_876;
const READS = new Set(['find', 'aggregate', 'distinct', 'listCollections', 'listIndexes']);
/** Commands that are sent along and not checked. */
const OTHERS = new Set(['getMore', 'killCursors', 'ping', 'endSessions']);

const nameOf = (command: Document): string => Object.keys(command)[0] ?? '';
const isRead = (command: Document): boolean => READS.has(nameOf(command));
const isWrite = (command: Document): boolean => !isRead(command) && !OTHERS.has(nameOf(command));
const namesOf = (commands: readonly Document[]): readonly string[] => [
  ...new Set(commands.map(nameOf)),
];
const ofDocuments = (command: Document): boolean =>
  String(command[nameOf(command)]).startsWith('v_');

const batch = aBatch({
  animes: [
    anAnimeDocument({ revision: 3, views: 2, ratingCount: 1, ratingSum: 800 }),
    anAnimeDocument({ animeId: animeId(2), revision: 3 }),
    anAnimeDocument({ animeId: animeId(3), details: { ...COWBOY_BEBOP, genres: [] } }),
  ],
  interactions: [anInteraction()],
  days: [aDay()],
});
const [first = anAnimeDocument()] = batch.animes;
const stale = aBatch({ animes: [{ ...first, revision: 1 }] });

const write = async (store: ReadStore): Promise<void> => {
  await store.createVersion('v1', 'log-1');
  await store.createVersion('v2', 'log-1');
  await store.markReady('v2');
  await store.promote('v2');
  await store.documents('v1').save(batch);
  await store.documents('v1').setFlushed({ commit: 1n, prepare: 1n });
};

const readDocuments = async (store: ReadStore): Promise<void> => {
  const documents = store.documents('v1');
  expect(await documents.animes([first.animeId])).to.have.length(1);
  expect(await documents.interactions([anInteraction()])).to.have.length(1);
  expect(await documents.days([aDay()])).to.have.length(1);
  expect(await documents.flushed()).to.deep.equal({ commit: 1n, prepare: 1n });
  expect(await collect(documents.allAnimes())).to.have.length(3);
  expect(await collect(documents.allInteractions(first.animeId))).to.have.length(1);
  expect(await collect(documents.allDays(first.animeId))).to.have.length(1);
  expect(await documents.save(stale)).to.deep.equal({ refused: 1 });
  expect(await store.versions()).to.have.length(2);
  expect(await store.active()).to.have.property('name', 'v2');
};

const ask = async (store: ReadStore): Promise<void> => {
  const queries = store.queries('v1');
  expect(await queries.anime(first.animeId)).to.deep.equal(first);
  expect(await queries.topByViews(5)).to.have.length(1);
  expect(await queries.topByRating(5, 1)).to.have.length(1);
  const found = await queries.search({ sortBy: 'title', offset: 0, limit: 5 });
  expect(found).to.have.property('total', 3);
  expect(await queries.trending(AT.slice(0, 10), 5)).to.have.length(1);
  expect(await queries.recommended(first.animeId, 5)).to.have.length(1);
  expect(await queries.recommended(animeId(3), 5)).to.have.length(2);
  expect(await queries.genres()).to.deep.equal(COWBOY_BEBOP.genres);
  expect(await queries.interactionsOf(userId('spike'), 5, null)).to.have.property('hasMore', false);
};

describe('the commands sent to MongoDB', function () {
  this.timeout(60_000);
  let server: StackServer | undefined;
  let relay: MongodbRelay;
  let ferretdb1: boolean;
  let store: ReadStore;

  before(async function () {
    this.timeout(300_000);
    // A server of its own: the proxy needs one without TLS at a single address.
    server = await orSkip(this, 'mongodb', startOwnMongodb, { own: true });
    ferretdb1 = await isFerretdb1(server.address);
    relay = await mongodbRelay(server.address);
    store = await openMongodbStore(relay.url, {
      timeoutMs: TIMEOUT_MS,
      readPreference: 'secondaryPreferred',
    });
    await write(store);
  });

  after(async () => {
    if (server === undefined) return;
    await store.close();
    await relay.stop();
    await server.stop();
  });

  beforeEach(() => void relay.sent());

  it('write with majority and journal', async () => {
    const fresh = await openMongodbStore(relay.url);
    await write(fresh);
    await fresh.prune('v1');
    await fresh.close();
    const writes = relay.sent().filter(isWrite);
    expect(namesOf(writes)).to.have.members(['insert', 'update', 'createIndexes', 'drop']);
    for (const command of writes) {
      expect(command['writeConcern'], nameOf(command)).to.deep.equal({ w: 'majority', j: true });
    }
  });

  it('query with the configured read preference', async () => {
    await ask(store);
    const reads = relay.sent().filter(isRead).filter(ofDocuments);
    expect(namesOf(reads)).to.have.members(['find', 'aggregate', 'distinct']);
    for (const command of reads) {
      expect(command, nameOf(command))
        .to.have.property('$readPreference')
        .that.deep.equals({ mode: 'secondaryPreferred' });
    }
  });

  it('read documents and versions from the primary with majority read concern', async () => {
    await readDocuments(store);
    const reads = relay.sent().filter(isRead);
    expect(reads.length).to.be.greaterThan(9);
    for (const command of reads) {
      // A command without a read preference goes to the primary.
      expect(command).to.not.have.property('$readPreference');
      expect(command['readConcern']).to.deep.equal({ level: 'majority' });
    }
  });

  it('end a read in the server when its caller has left', async () => {
    await readDocuments(store);
    await ask(store);
    await store.prune('v9');
    const reads = relay.sent().filter(isRead);
    expect(namesOf(reads)).to.have.members(['find', 'aggregate', 'distinct', 'listCollections']);
    for (const command of reads) {
      // FerretDB 1 refuses a time limit on this command, so it is retried without.
      if (nameOf(command) === 'distinct' && ferretdb1 && !('maxTimeMS' in command)) continue;
      expect(command, JSON.stringify(command)).to.have.property('maxTimeMS', TIMEOUT_MS);
    }
    const [distinct] = reads.filter((command) => nameOf(command) === 'distinct');
    expect(distinct).to.have.property('maxTimeMS', TIMEOUT_MS);
  });

  it('look up hundreds of documents by id in one command', async () => {
    const ids = Array.from({ length: 300 }, (_, n) => animeId(1_000 + n));
    const parts = {
      interactions: ids.map((id) => anInteraction({ animeId: id })),
      days: ids.map((id) => aDay({ animeId: id })),
    };
    const documents = store.documents('v2');
    const many = aBatch({
      animes: ids.map((id) => anAnimeDocument({ animeId: id, views: 1 })),
      ...parts,
    });
    await documents.save(many);
    relay.sent();
    expect(await documents.animes(ids)).to.have.length(300);
    expect(await documents.interactions(parts.interactions)).to.have.length(300);
    expect(await documents.days(parts.days)).to.have.length(300);
    // All of them exist as saved here, so the existing documents are looked up.
    expect(await documents.save(many)).to.deep.equal({ refused: 900 });
    expect(await collect(documents.allAnimes())).to.have.length(300);
    const queries = store.queries('v2');
    expect(await queries.trending(AT.slice(0, 10), 200)).to.have.length(200);
    expect(await queries.topByViews(200)).to.have.length(200);
    expect(namesOf(relay.sent())).to.include('find').and.to.not.include('getMore');
  });

  it('create the missing indexes of a collection in one command', async () => {
    const database = freshDatabase();
    const fresh = await openMongodbStore(relay.url, { database });
    const made = (): readonly number[] =>
      relay
        .sent()
        .filter((command) => nameOf(command) === 'createIndexes')
        .map(({ indexes }) => (indexes as unknown[]).length);
    await fresh.createVersion('v1', 'log-1');
    expect(made()).to.deep.equal(Object.values(INDEXES).map(({ length }) => length));
    await fresh.createVersion('v1', 'log-1');
    expect(made()).to.deep.equal([]);

    const client = new MongoClient(relay.url);
    const db = client.db(database);
    const [animes] = await db.listCollections({ name: /_animes$/ }, { nameOnly: true }).toArray();
    await db.collection(animes?.name ?? '').dropIndex('by_title');
    await client.close();
    relay.sent();
    await fresh.createVersion('v1', 'log-1');
    expect(made()).to.deep.equal([1]);
    await fresh.close();
  });
});
