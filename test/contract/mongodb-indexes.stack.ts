import { expect } from 'chai';
import { MongoClient, type Db, type Document } from 'mongodb';
import {
  animesAfter,
  bestRated,
  daysWithin,
  interactionsAfter,
  mostViewed,
  othersByScore,
  partsAfter,
  type Question,
  searched,
  sharingGenres,
  totalsByDay,
  type StoredAnime,
} from '../../src/adapters/mongodb/stored-documents.js';
import { distinctGenres, totalsSince } from '../../src/adapters/mongodb/queries.js';
import { INDEXES } from '../../src/adapters/mongodb/version-collections.js';
import { PortError } from '../../src/ports/errors.js';
import type { AnimeSearch, ReadStore } from '../../src/ports/read-store.js';
import { searchText } from '../../src/wire/search-text.js';
import { animeId, COWBOY_BEBOP, userId } from '../support/examples.js';
import { aBatch, aDay, anAnimeDocument, anInteraction } from '../support/read-store.js';
import { rejectionOf } from '../support/rejection-of.js';
import { freshDatabase, openMongodbStore } from '../support/stack/mongodb-store.js';
import { openMongodb, skipWithoutExplain } from '../support/stack/mongodb.js';
import { orSkip } from '../support/stack/server.js';

type Kind = keyof typeof INDEXES;

const RARE = 'Chess';
const NOVEMBER = { from: '2026-11-01', to: '2026-11-30' };

/** The winning plans, wherever the explanation of this command has them. */
const winningPlan = (explanation: unknown): string => {
  const plans: unknown[] = [];
  JSON.stringify(explanation, (key, value: unknown) => {
    if (key === 'winningPlan') plans.push(value);
    return value;
  });
  return JSON.stringify(plans);
};

describe('the indexes of the read models in MongoDB', function () {
  this.timeout(60_000);
  let url: string;
  let client: MongoClient | undefined;
  let db: Db;
  let store: ReadStore;

  /** The only collection of a kind in this database. */
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
            details: {
              ...COWBOY_BEBOP,
              title: `Title ${id}`,
              popularity: id,
              score: id / 50,
              genres: id % 100 === 0 ? [...COWBOY_BEBOP.genres, RARE] : COWBOY_BEBOP.genres,
            },
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

  it('exist once a version exists', async () => {
    for (const kind of Object.keys(INDEXES) as Kind[]) {
      const found = await db.collection(await nameOf(kind)).indexes();
      const named = found.map(({ name, key }) => ({ name, key: key }));
      expect(named).to.deep.include.members(INDEXES[kind]);
    }
  });

  const explained = async (kind: Kind, { filter, sort }: Question): Promise<Document> =>
    db
      .collection(await nameOf(kind))
      .find(filter)
      .sort(sort)
      .limit(10)
      .explain('queryPlanner');

  const search = (query: Partial<AnimeSearch>): Question =>
    searched({ sortBy: 'popularity', offset: 0, limit: 10, ...query });

  const ordered: readonly [string, Kind, string, Question][] = [
    ['the most viewed', 'animes', 'by_views', mostViewed()],
    ['the best rated', 'animes', 'by_average', bestRated(5)],
    ['a search by popularity', 'animes', 'by_popularity', search({ sortBy: 'popularity' })],
    ['a search by score', 'animes', 'by_score', search({ sortBy: 'score' })],
    ['a search by title', 'animes', 'by_title', search({ sortBy: 'title' })],
    ['a search by views', 'animes', 'by_views', search({ sortBy: 'views' })],
    ['a search for a text', 'animes', 'by_title', search({ sortBy: 'title', search: 'title' })],
    ['a search for a type', 'animes', 'by_popularity', search({ type: 'TV' })],
    ['a search for a score', 'animes', 'by_score', search({ sortBy: 'score', minScore: 3 })],
    ['the best scored of the others', 'animes', 'by_score', othersByScore(animeId(1))],
    ['all anime', 'animes', 'by_id', animesAfter(animeId(5))],
    ['the parts of an anime', 'interactions', '_id_', partsAfter(animeId(7), null)],
    ['the days of an anime', 'days', '_id_', daysWithin(animeId(7), NOVEMBER)],
    ['what a user did', 'interactions', 'by_user', interactionsAfter(userId('user-1'), null)],
  ];

  for (const [what, kind, index, asked] of ordered) {
    it(`return ${what} without a scan or a sort (${index})`, async function () {
      await skipWithoutExplain(this, url);
      const plan = winningPlan(await explained(kind, asked));
      expect(plan).to.include(`"indexName":"${index}"`);
      expect(plan).to.not.match(/"(COLLSCAN|SORT)"/);
    });
  }

  for (const [what, asked] of [
    ['a search for a genre', search({ genres: [RARE] })],
    ['what shares a genre', sharingGenres(animeId(1), [searchText(RARE)])],
  ] as const) {
    it(`return ${what} of few titles without reading others (by_genre_key)`, async function () {
      await skipWithoutExplain(this, url);
      const plan = winningPlan(await explained('animes', asked));
      expect(plan).to.include('"indexName":"by_genre_key"');
      expect(plan).to.not.include('"COLLSCAN"');
    });
  }

  it('return titles that share a common genre without a scan or a sort (by_score)', async function () {
    await skipWithoutExplain(this, url);
    const asked = sharingGenres(animeId(1), COWBOY_BEBOP.genres.map(searchText));
    const plan = winningPlan(await explained('animes', asked));
    expect(plan).to.include('"indexName":"by_score"');
    expect(plan).to.not.match(/"(COLLSCAN|SORT)"/);
  });

  it('return all genres by skipping from one to the next (by_genre)', async function () {
    await skipWithoutExplain(this, url);
    const animes = db.collection<StoredAnime>(await nameOf('animes'));
    const plan = winningPlan(await distinctGenres({ animes }, { explain: 'queryPlanner' }));
    expect(plan).to.include('"indexName":"by_genre"').and.to.include('"DISTINCT_SCAN"');
  });

  for (const [what, pipeline] of [
    ['totals since a day', totalsSince('2026-11-20')],
    ['totals per day', totalsByDay(NOVEMBER, 'seconds')],
  ] as const) {
    it(`return ${what} without reading a document (by_day)`, async function () {
      await skipWithoutExplain(this, url);
      const days = db.collection(await nameOf('days'));
      const plan = winningPlan(await days.aggregate(pipeline).explain('queryPlanner'));
      expect(plan).to.include('"indexName":"by_day"');
      expect(plan).to.not.match(/"(COLLSCAN|FETCH)"/);
    });
  }

  it('that differ under the same name end the start with one sentence', async () => {
    const days = db.collection(await nameOf('days'));
    await days.dropIndex('by_day');
    await days.createIndexes([{ name: 'by_day', key: { 'd.clicks': 1 } }]);
    const error = await rejectionOf(store.createVersion('v1', 'log-1'));
    expect(error).to.be.instanceOf(PortError).and.to.have.property('code', 'CORRUPT');
    expect((error as PortError).message).to.include('index');
  });
});
