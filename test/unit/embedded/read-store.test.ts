import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import {
  type EmbeddedReadStore,
  openEmbeddedReadStore,
} from '../../../src/adapters/embedded/read-store/open-read-store.js';
import { openDatabase } from '../../../src/embedded-eventstore/sqlite.js';
import { silentLogger } from '../../../src/platform/observability/logger.js';
import { OtherFingerprintError, PortError, UnavailableError } from '../../../src/ports/errors.js';
import type { ReadStore } from '../../../src/ports/read-store.js';
import { animeId, userId } from '../../support/examples.js';
import { aBatch, anAnimeDocument, anInteraction } from '../../support/read-store.js';
import { recordingLogger } from '../../support/recording-logger.js';
import { rejectionOf } from '../../support/rejection-of.js';
import { temporaryDirectory } from '../../support/temporary-directory.js';
import { exampleDocuments } from '../../../src/read-side/rebuild/example-documents.js';

describe('the embedded read store', () => {
  let dataDir: string;
  let remove: () => Promise<void>;
  let stores: ReadStore[];

  beforeEach(async () => {
    stores = [];
    ({ path: dataDir, remove } = await temporaryDirectory());
  });
  afterEach(async () => {
    for (const store of stores) await store.close();
    await remove();
  });

  const open = async (logger = silentLogger()): Promise<EmbeddedReadStore> => {
    const store = await openEmbeddedReadStore({
      dataDir,
      logger,
      examples: exampleDocuments(),
    });
    stores.push(store);
    return store;
  };

  const closedWithVersion = async (): Promise<void> => {
    const store = await open();
    await store.createVersion('v1', 'log-1');
    await store.documents('v1').save(aBatch({ animes: [anAnimeDocument()] }));
    await store.close();
  };

  it('reports documents that were removed under it, and passes otherwise', async () => {
    const store = await open();
    await store.createVersion('v1', 'log-1');
    await store.check();
    await store.documents('v1').save(aBatch({ animes: [anAnimeDocument()] }));
    await store.check();
    await rm(join(dataDir, 'read-models'), { recursive: true });
    expect(await rejectionOf(store.check()))
      .to.be.instanceOf(UnavailableError)
      .and.have.property('message')
      .that.includes('were removed');
  });

  it('logs that a version is ready to be filled only when it is created', async () => {
    const { logger, lines } = recordingLogger();
    const store = await open(logger);
    await store.createVersion('v1', 'log-1');
    await store.createVersion('v1', 'log-1');
    expect(lines.filter(({ message }) => message.includes('ready to be filled'))).to.have.length(1);
  });

  it('refuses documents with a damaged page at the start', async () => {
    await closedWithVersion();
    const path = join(dataDir, 'read-models', '1.db');
    const bytes = await readFile(path);
    bytes.fill(0xa5, 4096);
    await writeFile(path, bytes);
    await expectToldWhatToDo();
  });

  const files = () => readdir(join(dataDir, 'read-models'));

  const expectToldWhatToDo = async (): Promise<void> => {
    const error = await rejectionOf(open());
    expect(error).to.be.instanceOf(PortError).and.to.have.property('code', 'CORRUPT');
    expect(error)
      .to.have.property('message')
      .that.includes(join(dataDir, 'read-models'))
      .and.includes('delete that directory');
  };

  for (const name of ['versions.db', '1.db']) {
    it(`says that the directory can be deleted where ${name} is no database`, async () => {
      await closedWithVersion();
      await writeFile(join(dataDir, 'read-models', name), 'x'.repeat(8192));
      await expectToldWhatToDo();
    });

    it(`says that the directory can be deleted where ${name} is of a newer version`, async () => {
      await closedWithVersion();
      const db = openDatabase(join(dataDir, 'read-models', name));
      db.exec('PRAGMA user_version = 99');
      db.close();
      await expectToldWhatToDo();
    });
  }

  it('starts empty after the directory was deleted', async () => {
    await closedWithVersion();
    await remove();
    expect(await (await open()).versions()).to.deep.equal([]);
  });

  it('deletes the files of a pruned version, and never reuses their name', async () => {
    const store = await open();
    for (const name of ['v1', 'v2']) await store.createVersion(name, 'log-1');
    await store.prune('v2');
    expect((await files()).filter((name) => name.startsWith('2.'))).to.deep.equal([]);
    await store.createVersion('v2', 'log-1');
    expect(await files()).to.include('3.db');
  });

  it('deletes what a crash during a removal left behind', async () => {
    await closedWithVersion();
    for (const name of ['7.db', '7.db-wal']) {
      await writeFile(join(dataDir, 'read-models', name), 'left behind');
    }
    await open();
    expect((await files()).filter((name) => name.startsWith('7.'))).to.deep.equal([]);
  });

  it('fails an impossible save without failing concurrent ones', async () => {
    const store = await open();
    await store.createVersion('v1', 'log-1');
    const documents = store.documents('v1');
    const save = (id: number, clicks: number) =>
      documents.save(
        aBatch({
          animes: [anAnimeDocument({ animeId: animeId(id) })],
          interactions: [anInteraction({ animeId: animeId(id), clicks })],
        }),
      );
    const settled = await Promise.allSettled([save(1, 1), save(2, Number.NaN), save(3, 1)]);
    expect(settled.map(({ status }) => status)).to.deep.equal([
      'fulfilled',
      'rejected',
      'fulfilled',
    ]);
    expect(settled[1]).to.have.property('reason').that.is.not.instanceOf(PortError);
    const found = await documents.animes([1, 2, 3].map(animeId));
    expect(found.map((one) => one.animeId)).to.deep.equal([1, 3]);
  });

  it('finds the interactions of a user saved before and after the first query', async () => {
    const store = await open();
    await store.createVersion('v1', 'log-1');
    const { documents, queries } = {
      documents: store.documents('v1'),
      queries: store.queries('v1'),
    };
    const saved = [1, 2].map((id) => anInteraction({ animeId: animeId(id) }));
    for (const interaction of saved) {
      await documents.save(aBatch({ interactions: [interaction] }));
      const { items } = await queries.interactionsOf(userId('spike'), 10, null);
      expect(items).to.deep.equal(saved.slice(0, interaction.animeId));
    }
  });

  it('searches for any of very many genres', async () => {
    const store = await open();
    await store.createVersion('v1', 'log-1');
    await store.documents('v1').save(aBatch({ animes: [anAnimeDocument()] }));
    const genres = [...Array.from({ length: 5000 }, (_, n) => `genre ${n}`), 'Action'];
    const found = await store
      .queries('v1')
      .search({ genres, sortBy: 'title', offset: 0, limit: 10 });
    expect(found).to.deep.equal({ items: [anAnimeDocument()], total: 1 });
  });

  it('treats versions without a fingerprint as those of another release', async () => {
    await closedWithVersion();
    const db = openDatabase(join(dataDir, 'read-models', 'versions.db'));
    db.exec('ALTER TABLE versions DROP COLUMN fingerprint');
    db.close();
    await writeFile(join(dataDir, 'read-models', '1.db'), 'Tables of another release.');
    const store = await open();
    expect(await store.active()).to.include({ name: 'v1', fingerprint: null });
    const error = await rejectionOf(store.queries('v1').genres());
    expect(error).to.be.instanceOf(OtherFingerprintError);
    await store.createVersion('v2', 'log-1');
    await store.promote('v2');
    await store.prune('v1');
    expect((await files()).some((name) => name.startsWith('1.db'))).to.be.false;
  });
});
