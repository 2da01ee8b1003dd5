import { expect } from 'chai';
import { MongoClient, type Db, type Document, type Sort } from 'mongodb';
import { BY_AVERAGE, LISTED, ORDERS, searchFilter } from '../../src/adapters/mongodb/search.js';
import { INDEXES } from '../../src/adapters/mongodb/version-collections.js';
import { PortError } from '../../src/ports/errors.js';
import type { ReadStore } from '../../src/ports/read-store.js';
import { animeId, COWBOY_BEBOP, userId } from '../support/examples.js';
import { aBatch, aDay, anAnimeDocument, anInteraction } from '../support/read-store.js';
import { rejectionOf } from '../support/rejection-of.js';
import { freshDatabase, openMongodbStore } from '../support/stack/mongodb-store.js';
import { openMongodb, skipOnFerretdb } from '../support/stack/mongodb.js';
import { orSkip } from '../support/stack/server.js';

type Kind = keyof typeof INDEXES;

describe('the indexes of the read models in MongoDB', function () {
  this.timeout(60_000);
  let url: string;
  let client: MongoClient | undefined;
  let db: Db;
  let store: ReadStore;

  /** The one collection of a kind in this database. */
  const nameOf = async (kind: Kind): Promise<string> => {
    const all = await db.listCollections({}, { nameOnly: true }).toArray();
    return all.map(({ name }) => name).find((name) => name.endsWith(`_${kind}`)) ?? 'none';
  };

  before(async function () {
    this.timeout(300_000);
    url = (await orSkip(this, 'mongodb', openMongodb)).address;
    const database = freshDatabase();
    store = await openMongodbStore(url, { database });
    client = new MongoClient(url);
    db = client.db(database);
    await store.createVersion('v1', 'log-1');
    const ids = Array.from({ length: 300 }, (_, n) => n + 1);
    await store.documents('v1').save(
      aBatch({
        animes: ids.map((id) =>
          anAnimeDocument({
            animeId: animeId(id),
            views: id,
            ratingCount: id,
            ratingSum: id * 700,
            details: { ...COWBOY_BEBOP, title: `Title ${id}`, popularity: id, score: id / 50 },
          }),
        ),
        interactions: ids.map((id) =>
          anInteraction({ animeId: animeId(id), userId: userId(`user-${id % 10}`) }),
        ),
        days: ids.map((id) => aDay({ animeId: animeId(id), day: `2026-11-${10 + (id % 15)}` })),
      }),
    );
  });

  after(async () => {
    if (client === undefined) return;
    await store.close();
    await db.dropDatabase();
    await client.close();
  });

  it('are there once a version is', async () => {
    for (const kind of Object.keys(INDEXES) as Kind[]) {
      const found = await db.collection(await nameOf(kind)).indexes();
      const named = found.map(({ name, key }) => ({ name, key: key }));
      expect(named).to.deep.include.members(INDEXES[kind]);
    }
  });

  const used: readonly [string, Kind, Document, Sort][] = [
    ['by_views', 'animes', { ...LISTED, 'd.views': { $gt: 0 } }, ORDERS.views],
    ['by_average', 'animes', { ...LISTED, 'd.ratingCount': { $gte: 5 } }, BY_AVERAGE],
    ...(['popularity', 'score', 'title', 'views'] as const).map(
      (sortBy): [string, Kind, Document, Sort] => [
        `by_${sortBy}`,
        'animes',
        searchFilter({ sortBy, offset: 0, limit: 10 }),
        ORDERS[sortBy],
      ],
    ),
    ['by_id', 'animes', { 'd.animeId': { $gt: 5 } }, { 'd.animeId': 1 }],
    ['_id_', 'interactions', { _id: { $gt: '7:', $lt: '7;' } as Document }, { _id: 1 }],
    [
      'by_user',
      'interactions',
      { 'd.userId': 'user-1', 'd.animeId': { $gt: 0 } },
      { 'd.animeId': 1 },
    ],
    ['by_day', 'days', { 'd.day': { $gte: '2026-11-20' } }, { 'd.day': 1 }],
  ];

  for (const [index, kind, filter, sort] of used) {
    it(`give ${kind} sorted by ${Object.keys(sort)[0]} without a scan or a sort (${index})`, async function () {
      await skipOnFerretdb(this, url, 'FerretDB 1.24 uses no index but that of _id');
      const found = db
        .collection(await nameOf(kind))
        .find(filter)
        .sort(sort)
        .limit(10);
      const { queryPlanner } = (await found.explain('queryPlanner')) as { queryPlanner: Document };
      const plan = JSON.stringify(queryPlanner['winningPlan']);
      expect(plan).to.include(`"indexName":"${index}"`);
      expect(plan).to.not.match(/"(COLLSCAN|SORT)"/);
    });
  }

  it('that are others under the same name stop the start with a sentence that says so', async () => {
    const days = db.collection(await nameOf('days'));
    await days.dropIndex('by_day');
    await days.createIndexes([{ name: 'by_day', key: { 'd.clicks': 1 } }]);
    const error = await rejectionOf(store.createVersion('v1', 'log-1'));
    expect(error).to.be.instanceOf(PortError).and.to.have.property('code', 'CORRUPT');
    expect((error as PortError).message).to.include('index');
  });
});
