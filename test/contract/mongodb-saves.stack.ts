import { expect } from 'chai';
import { animeId } from '../support/examples.js';
import { eventually } from '../support/eventually.js';
import { aBatch, anAnimeDocument } from '../support/read-store.js';
import { dropDatabase, openMongodb } from '../support/stack/mongodb.js';
import { freshDatabase, openMongodbStore } from '../support/stack/mongodb-store.js';
import { orSkip } from '../support/stack/server.js';

describe('saves on MongoDB', function () {
  this.timeout(60_000);
  let url: string;

  before(async function () {
    this.timeout(300_000);
    url = (await orSkip(this, 'mongodb', openMongodb)).address;
  });

  it('RS-23 are told to the listeners of every process that shares the database', async () => {
    const database = freshDatabase();
    const [projector, api] = await Promise.all(
      [1, 2].map(() => openMongodbStore(url, { database })),
    );
    try {
      await projector?.createVersion('v1', 'log');
      const told = new Set<number | null>();
      const stop = api?.onChanged((ids) => {
        for (const id of ids ?? [null]) told.add(id);
      });
      await eventually(async () => {
        const anime = anAnimeDocument({ animeId: animeId(7), revision: told.size });
        await projector?.documents('v1').save(aBatch({ animes: [anime] }));
        // Null where the server has no change streams.
        expect(told.has(7) || told.has(null)).to.equal(true);
      });
      stop?.();
    } finally {
      await Promise.all([projector?.close(), api?.close()]);
      await dropDatabase(url, database);
    }
  });
});
