import { expect } from 'chai';
import { TooLargeError } from '../../src/ports/errors.js';
import type { ReadStore } from '../../src/ports/read-store.js';
import { animeId, COWBOY_BEBOP, userId } from '../support/examples.js';
import { aBatch, aDay, anAnimeDocument, anInteraction } from '../support/read-store.js';
import { rejectionOf } from '../support/rejection-of.js';
import { openMongodbTarget } from '../support/stack/mongodb-store.js';
import { openMongodb } from '../support/stack/mongodb.js';
import { orSkip } from '../support/stack/server.js';
import { collect } from './read-store/given.js';

const HOSTILE = [
  '{"$gt":""}',
  '{"$ne":null}',
  '$where',
  '$gt',
  '$$ROOT',
  '$d.views',
  'd.views',
  'a.b.c',
  '.',
  '__proto__',
  'constructor.prototype',
  'toString',
  '1; return true',
  "'; db.dropDatabase(); '",
  '^.*$',
  '(a+)+$',
  ':',
  '2:spike',
  'a\0b',
  ' ',
];

describe('hostile text in MongoDB', function () {
  this.timeout(60_000);
  let store: ReadStore;
  let stop: (() => Promise<void>) | undefined;

  before(async function () {
    this.timeout(300_000);
    const { address } = await orSkip(this, 'mongodb', openMongodb);
    ({ store, stop } = await openMongodbTarget(address));
    await store.createVersion('v1', 'log-1');
  });

  after(() => stop?.());

  it('is stored and found as user id', async () => {
    const documents = store.documents('v1');
    const saved = HOSTILE.map((user, n) => anInteraction({ userId: userId(user), clicks: n }));
    await documents.save(aBatch({ interactions: saved }));
    for (const one of saved) {
      expect(await documents.interactions([one])).to.deep.equal([one]);
      const { items } = await store.queries('v1').interactionsOf(one.userId, 10, null);
      expect(items).to.deep.equal([one]);
    }
    expect(await collect(documents.allInteractions(animeId(1)))).to.have.length(saved.length);
    expect(await collect(documents.allInteractions(animeId(2)))).to.have.length(0);
  });

  it('is stored and found as title, type and genre', async () => {
    const documents = store.documents('v1');
    const saved = HOSTILE.map((text, n) =>
      anAnimeDocument({
        animeId: animeId(n + 1),
        details: { ...COWBOY_BEBOP, title: text, type: text, genres: [text] },
      }),
    );
    await documents.save(aBatch({ animes: saved }));
    expect(await documents.animes(saved.map((one) => one.animeId))).to.have.deep.members(saved);
    for (const [n, text] of HOSTILE.entries()) {
      const asked = { sortBy: 'title', offset: 0, limit: 50 } as const;
      const queries = store.queries('v1');
      expect((await queries.search({ ...asked, genres: [text] })).items).to.deep.equal([saved[n]]);
      expect((await queries.search({ ...asked, type: text })).items).to.deep.equal([saved[n]]);
      const { items } = await queries.search({ ...asked, search: text });
      const holding = saved.filter(({ details }) =>
        details.title.toLowerCase().includes(text.toLowerCase()),
      );
      expect(items, text).to.have.deep.members(holding);
    }
    expect(await store.queries('v1').genres()).to.have.members(HOSTILE);
  });

  it('is refused where it makes a document too large, and the others are saved', async () => {
    const huge = { ...COWBOY_BEBOP, description: 'x'.repeat(17 * 1024 * 1024) };
    const batch = aBatch({ animes: [anAnimeDocument({ revision: 5, details: huge })] });
    const error = await rejectionOf(store.documents('v1').save(batch));
    expect(error).to.be.instanceOf(TooLargeError).and.to.have.property('retriable', false);
    const fitting = aBatch({ animes: [anAnimeDocument({ revision: 5 })] });
    expect(await store.documents('v1').save(fitting)).to.deep.equal({ refused: 0 });
  });

  it('is stored and found as day and version name', async () => {
    for (const name of ['$where', '__proto__', 'a.b', '{"$gt":""}']) {
      const before = (await store.versions()).length;
      await store.createVersion(name, '$log');
      expect(await store.versions()).to.have.length(before + 1);
      expect(await store.documents(name).animes([animeId(1)])).to.deep.equal([]);
    }
    await store.documents('v1').save(aBatch({ days: [aDay({ day: '$gt' })] }));
    expect(await store.documents('v1').days([aDay({ day: '$gt' })])).to.have.length(1);
    expect(({} as Record<string, unknown>)['logId']).to.equal(undefined);
  });
});
