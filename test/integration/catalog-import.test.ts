import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { expect } from 'chai';
import { createEmbeddedEventStore } from '../../src/adapters/embedded/event-store.js';
import { openEventLog } from '../../src/embedded-eventstore/log/open-event-log.js';
import {
  createCommandHandler,
  type CommandHandler,
} from '../../src/command-side/handling/handler.js';
import { completeDetails } from '../../src/domain/details.js';
import type { AnimeEvent } from '../../src/domain/events.js';
import { streamOf } from '../../src/domain/ids.js';
import {
  type CatalogImportOptions,
  importCatalog,
  listThrough,
} from '../../src/import/catalog-import.js';
import { silentLogger } from '../../src/platform/observability/logger.js';
import { createMetrics } from '../../src/platform/observability/metrics.js';
import type { EventStore } from '../../src/ports/event-store.js';
import { decode } from '../../src/wire/stream-event.js';
import { animeId, AT, commands, COWBOY_BEBOP } from '../support/examples.js';
import {
  ANIME_2020,
  ANIME_DATASET_2023,
  ANIMES_WITH_LISTS,
  heldBy,
  publicCatalog,
  titleOf,
} from '../support/public-catalogs.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

/** `npm run bench:import` does the same with 25,000. */
const ROWS = 1500;
const NONE = { total: 0, first: [] };

describe('an import into the embedded store', () => {
  let store: EventStore;
  let handler: CommandHandler;
  let clean: () => Promise<void>;

  beforeEach(async () => {
    const directory = await temporaryDirectory();
    const logger = silentLogger();
    store = createEmbeddedEventStore(await openEventLog({ directory: directory.path, logger }));
    const metrics = createMetrics({ processMetrics: false });
    handler = createCommandHandler({ store, logger, metrics, newId: randomUUID });
    clean = async () => {
      await handler.drain();
      await store.close();
      await directory.remove();
    };
  });

  afterEach(() => clean());

  const run = (source: AsyncIterable<Buffer>, options: Partial<CatalogImportOptions> = {}) =>
    importCatalog({
      source,
      list: listThrough(handler, randomUUID()),
      now: () => Date.parse(AT),
      logger: silentLogger(),
      ...options,
    });

  const file = async function* (...lines: string[]) {
    await Promise.resolve();
    yield Buffer.from(lines.join('\n'));
  };

  const eventsOf = async (id: number): Promise<AnimeEvent[]> => {
    const events: AnimeEvent[] = [];
    for await (const { type, data } of store.read(streamOf(animeId(id)))) {
      const decoded = decode(type, data);
      if (decoded.kind === 'event') events.push(decoded.event);
    }
    return events;
  };

  const eventTypesOf = async (id: number) => (await eventsOf(id)).map(({ type }) => type);

  const detailsOf = async (id: number) => {
    const last = (await eventsOf(id)).at(-1);
    return last !== undefined && 'details' in last.data ? last.data.details : undefined;
  };

  const send = (command: (typeof commands)[keyof typeof commands]) =>
    handler.handle(command, { correlationId: randomUUID() });

  const sample = () => createReadStream('data/sample-catalog.csv') as AsyncIterable<Buffer>;

  it('lists every title of the sample catalogue, and adds no event the second time', async () => {
    const first = await run(sample());
    expect(first).to.include({ ended: 'completed', revised: 0, unchanged: 0 });
    expect(first.listed).to.be.at.least(60);
    const [listed, ...others] = await eventsOf(1);
    expect(others).to.deep.equal([]);
    expect(listed).to.deep.nested.include({
      type: 'AnimeListed',
      'data.details.title': 'Cowboy Bebop',
      'data.details.genres': ['Action', 'Award Winning', 'Sci-Fi'],
    });
    expect(listed)
      .to.have.nested.property('data.details.image')
      .that.matches(/^data:image/);

    const second = await run(sample());
    expect(second).to.include({ listed: 0, revised: 0, unchanged: first.listed });
    expect(await eventTypesOf(1)).to.deep.equal(['AnimeListed']);
  });

  it('revises only the details that the file has a column for', async () => {
    await send(commands.list);
    const report = await run(file('anime_id,name,rating', '1,Cowboy Bebop,9.1'));
    expect(report).to.include({ listed: 0, revised: 1 });
    const events = await eventsOf(1);
    expect(events.map(({ type }) => type)).to.deep.equal(['AnimeListed', 'AnimeDetailsRevised']);
    expect(events[1]).to.deep.nested.include({
      'data.details': { ...COWBOY_BEBOP, score: 9.1 },
    });
  });

  const unknowns = () =>
    file(
      'MAL_ID,Name,Score,Genres,Type,Episodes,Popularity,Members',
      '1,Cowboy Bebop,UNKNOWN,Unknown,N/A,NaN,-,None',
    );
  const NOTHING_KNOWN = ['score', 'type', 'episodes', 'popularity', 'members'].map(
    (detail) => [detail, null] as const,
  );

  it('never replaces a known detail by an unknown one', async () => {
    await send(commands.list);
    const report = await run(unknowns());
    expect(report).to.include({ revised: 0, unchanged: 1 });
    expect(await eventTypesOf(1)).to.deep.equal(['AnimeListed']);
  });

  it('clears details that the file does not have with --clear', async () => {
    await send(commands.list);
    const report = await run(unknowns(), { clear: true });
    expect(report).to.include({ revised: 1, unchanged: 0 });
    expect(await detailsOf(1)).to.deep.equal({
      ...COWBOY_BEBOP,
      ...Object.fromEntries(NOTHING_KNOWN),
      genres: [],
    });
  });

  it('lists a new title with the details of the file', async () => {
    await run(file('uid,title,score,episodes,genre', `1,Akira,8.2,Unknown,"['Action']"`));
    expect(await detailsOf(1)).to.deep.equal(
      completeDetails({ title: 'Akira', score: 8.2, genres: ['Action'] }),
    );
  });

  it('keeps concurrent revisions of details that the file does not have', async () => {
    const ids = Array.from({ length: 40 }, (_, index) => animeId(index + 1));
    const lines = ids.map((id) => `${id},Title ${id},26,Unknown`);
    await run(file('anime_id,name', ...ids.map((id) => `${id},Title ${id}`)));
    const logger = silentLogger();
    const metrics = createMetrics({ processMetrics: false });
    const other = createCommandHandler({ store, logger, metrics, newId: randomUUID });
    const [report] = await Promise.all([
      run(file('anime_id,name,episodes,score', ...lines)),
      ...ids.map((id) =>
        other.handle(
          { type: 'ListAnime', animeId: id, at: AT, details: { title: `Title ${id}`, score: 9 } },
          { correlationId: randomUUID() },
        ),
      ),
    ]);
    await other.drain();
    expect(report).to.include({ ended: 'completed', revised: ids.length });
    for (const id of ids) expect(await detailsOf(id)).to.include({ episodes: 26, score: 9 });
  });

  for (const [catalog, form] of [
    [
      ANIME_DATASET_2023,
      'comma separated, 24 columns. Used: anime_id -> id, Name -> title, Synopsis -> description, Image URL -> image, Type -> type, Episodes -> episodes, Genres -> genres, Score -> score, Popularity -> popularity, Members -> members. Ignored: English name, Other name, Aired, Premiered, Status, Producers, Licensors, Studios, Source, Duration, Rating (age rating), Rank, Favorites, Scored By.',
    ],
    [
      ANIME_2020,
      'comma separated, 35 columns. Used: MAL_ID -> id, Name -> title, Type -> type, Episodes -> episodes, Genres -> genres, Score -> score, Popularity -> popularity, Members -> members. Ignored: English name, Japanese name, Aired, Premiered, Producers, Licensors, Studios, Source, Duration, Rating (age rating), Ranked, Favorites, Watching, Completed, On-Hold, Dropped, Plan to Watch, Score-10, Score-9, Score-8, Score-7, Score-6, Score-5, Score-4, Score-3, Score-2, Score-1.',
    ],
    [
      ANIMES_WITH_LISTS,
      'comma separated, 12 columns. Used: uid -> id, title -> title, synopsis -> description, img_url -> image, episodes -> episodes, genre -> genres, score -> score, popularity -> popularity, members -> members. Ignored: aired, ranked, link.',
    ],
  ] as const) {
    it(`reads the public form ${catalog.name}, and reports it`, async () => {
      const said: string[] = [];
      const report = await run(publicCatalog(catalog, ROWS), {
        onForm: (description) => said.push(description),
      });
      expect(said).to.deep.equal([form]);
      expect(report).to.deep.include({ ended: 'completed', listed: ROWS, rejected: NONE });
      for (const id of [1, 7, ROWS]) {
        expect(await detailsOf(id)).to.deep.include(heldBy(catalog, titleOf(id)));
      }
    });
  }

  it('leaves delisted titles unchanged and reports them', async () => {
    await send(commands.list);
    await send(commands.delist);
    const report = await run(file('anime_id,name', '1,Cowboy Bebop', '2,Akira'));
    expect(report).to.deep.include({
      listed: 1,
      delisted: { total: 1, first: [{ line: 2, animeId: 1, title: 'Cowboy Bebop' }] },
    });
    expect(await eventTypesOf(1)).to.deep.equal(['AnimeListed', 'AnimeDelisted']);
  });

  it('lists delisted titles again with --relist', async () => {
    await send(commands.list);
    await send(commands.delist);
    const report = await run(file('anime_id,name', '1,Cowboy Bebop'), { relist: true });
    expect(report).to.deep.include({ listed: 1, delisted: { total: 0, first: [] } });
    expect(await eventTypesOf(1)).to.deep.equal(['AnimeListed', 'AnimeDelisted', 'AnimeListed']);
  });

  it('continues after a stop and lists every title once', async () => {
    const lines = Array.from({ length: 300 }, (_, index) => `${index + 1},Title ${index + 1}`);
    const abort = new AbortController();
    const stopped = await run(file('anime_id,name', ...lines), {
      titlesInFlight: 8,
      signal: abort.signal,
      onProgress: ({ titles }) => {
        if (titles >= 100) abort.abort();
      },
    });
    expect(stopped.ended).to.equal('aborted');
    expect(stopped.listed).to.be.within(100, 120);

    const resumed = await run(file('anime_id,name', ...lines));
    expect(resumed).to.include({
      ended: 'completed',
      listed: 300 - stopped.listed,
      unchanged: stopped.listed,
    });
    for (const id of [1, 150, 300]) expect(await eventTypesOf(id)).to.deep.equal(['AnimeListed']);
  });

  it('reports the failure when the store is closed, and keeps what was imported', async () => {
    const lines = Array.from({ length: 300 }, (_, index) => `${index + 1},Title`);
    const report = await run(file('anime_id,name', ...lines), {
      titlesInFlight: 8,
      titleDeadlineMs: 0,
      onProgress: ({ titles }) => {
        if (titles >= 100) void store.close();
      },
    });
    expect(report.ended).to.equal('failed');
    expect(report.error).to.include({ code: 'UNAVAILABLE' });
    expect(report.listed).to.be.within(100, 299);
  });

  it('gives all events of one import one correlation id', async () => {
    await run(file('anime_id,name', '1,A', '2,B'));
    const ids = new Set<unknown>();
    for (const id of [1, 2]) {
      for await (const { metadata } of store.read(streamOf(animeId(id)))) {
        const text = new TextDecoder().decode(metadata);
        ids.add((JSON.parse(text) as Record<string, unknown>)['$correlationId']);
      }
    }
    expect(ids.size).to.equal(1);
    expect([...ids][0]).to.be.a('string');
  });

  it('imports all titles of a real catalogue (ANIME_CSV=path)', async function () {
    this.timeout(120_000);
    const path = process.env['ANIME_CSV'];
    if (path === undefined) {
      if (this.test !== undefined) this.test.title += ' [not shown: ANIME_CSV is not set]';
      this.skip();
    }
    const report = await run(createReadStream(path) as AsyncIterable<Buffer>);
    expect(report).to.deep.include({ ended: 'completed', rejected: { total: 0, first: [] } });
    expect(report.listed).to.be.greaterThan(10_000);
  });
});
