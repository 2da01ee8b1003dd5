import { expect } from 'chai';
import type { BusRecord } from '../../src/ports/event-bus.js';
import { eventually } from '../support/eventually.js';
import { query, send } from '../support/http-client.js';
import { openEventStore } from '../support/stack/event-store.js';
import { fourProcesses, PARTS, type FourProcesses } from '../support/stack/four-processes.js';
import { openKafka } from '../support/stack/kafka.js';
import { openMongodb } from '../support/stack/mongodb.js';
import { publishTo } from '../support/stack/published-records.js';
import { orSkip } from '../support/stack/server.js';
import { expectAuditClean, freshAnimeIds, list, statsOf } from '../support/stack/story.js';

const SEARCH = `query Search($filters: AnimeFilters) {
  searchAnimes(page: 1, pageSize: 20, filters: $filters) { items { title } total }
}`;

describe('the service in four processes', function () {
  this.timeout(180_000);
  let stack: FourProcesses;
  const [animeId = 0, other = 0, gone = 0] = freshAnimeIds(3);

  before(async function () {
    this.timeout(300_000);
    const eventStore = await orSkip(this, 'eventstoredb', openEventStore);
    const kafka = await orSkip(this, 'kafka', openKafka);
    const mongodb = await orSkip(this, 'mongodb', openMongodb);
    stack = await fourProcesses({
      eventStore: eventStore.address,
      kafka: kafka.address,
      mongodb: mongodb.address,
    });
    await stack.start();
    await list(stack.commandUrl(), [animeId, other, gone]);
  });
  after(() => stack.stop());

  const command = (path: string, body: object) =>
    send('POST', `${stack.commandUrl()}/${path}`, { user_id: 'user123', ...body });

  it('takes a command in one and answers a query that has seen it in another', async () => {
    expect((await command('click', { anime_id: animeId })).status).to.equal(201);
    const view = await command('view', { anime_id: animeId, duration_seconds: 1440 });
    expect(view.status).to.equal(201);
    const rating = await command('rating', { anime_id: animeId, rating: 8.75 });
    const stats = await eventually(
      () => statsOf(stack.queryUrl(), animeId, rating.body['revision']),
      { withinMs: 30_000 },
    );
    expect(stats).to.deep.equal({
      totalClicks: 1,
      totalViews: 1,
      totalRatings: 1,
      averageRating: 8.75,
      totalDurationSeconds: 1440,
    });
  });

  it('finds the titles of a catalogue that was imported beside it', async () => {
    const imported = await stack.job('import-catalog', 'data/sample-catalog.csv');
    expect(imported.code, imported.output + imported.errors).to.equal(0);
    await eventually(
      async () => {
        const { searchAnimes } = await query(stack.queryUrl(), SEARCH, {
          filters: { search: 'cowboy bebop' },
        });
        expect(searchAnimes).to.have.property('total', 2);
      },
      { withinMs: 30_000 },
    );
  });

  it('refuses what it does not know, and what was taken off the catalogue', async () => {
    const [unknown] = freshAnimeIds(1);
    expect((await command('click', { anime_id: unknown })).status).to.equal(404);
    await send('DELETE', `${stack.commandUrl()}/animes/${gone}`);
    expect((await command('click', { anime_id: gone })).status).to.equal(410);
  });

  it('is healthy, ready and alive, and measured, in every process', async () => {
    for (const [url, dependencies] of [
      [stack.commandUrl(), ['event-store']],
      [originOf(stack.process('bridge').healthUrl), ['event-store', 'kafka', 'bridge']],
      [
        originOf(stack.process('projector').healthUrl),
        ['event-store', 'read-store', 'kafka', 'projector'],
      ],
      [originOf(stack.queryUrl()), ['read-store', 'read-models']],
    ] as const) {
      const { status, body } = await send('GET', `${url}/health`);
      expect(status, url).to.equal(200);
      expect(Object.keys(body['dependencies'] as object)).to.deep.equal(dependencies);
      for (const path of ['/ready', '/live', '/metrics']) {
        expect((await fetch(url + path)).status, url + path).to.equal(200);
      }
    }
    const metrics = await fetch(`${originOf(stack.process('bridge').healthUrl)}/metrics`);
    expect(await metrics.text()).to.match(/^bridge_lag_seconds [\d.]+$/m);
  });

  it('goes on with all of its data after each process was stopped, and repeats nothing', async () => {
    expect(await stack.end(PARTS, 'SIGTERM')).to.deep.equal([0, 0, 0, 0]);
    await stack.start();
    const click = await command('click', { anime_id: animeId });
    expect(click.body).to.have.property('revision', '4');
    const stats = await eventually(
      () => statsOf(stack.queryUrl(), animeId, click.body['revision']),
      { withinMs: 30_000 },
    );
    expect(stats).to.include({ totalClicks: 2, totalViews: 1, totalRatings: 1 });
    const { text } = await metricsOf('projector');
    expect(text).to.match(/^projector_duplicates_total 0$/m);
  });

  it('lists a record that it cannot read as a dead letter, and goes on', async () => {
    const poison: BusRecord = { key: `anime-${other}`, value: Buffer.from('{"'), headers: {} };
    await publishTo(stack, [poison, poison]);
    const { body } = await command('click', { anime_id: other });
    await eventually(() => statsOf(stack.queryUrl(), other, body['revision']), {
      withinMs: 30_000,
    });
    await eventually(
      async () => {
        const { output } = await stack.job('dead-letters', 'list');
        expect(output).to.match(/anime-\d+@\?  the header esdb-record-stream-revision is missing/);
      },
      { withinMs: 30_000, everyMs: 500 },
    );
  });

  it('computes an anime again from its stream when its dead letter is replayed', async () => {
    const { code, output } = await stack.job('dead-letters', 'replay', `anime-${other}`);
    expect(output).to.match(/v1: anime \d+ is computed again up to revision 1/);
    expect(code).to.equal(0);
    const click = await command('click', { anime_id: other });
    const { revision } = click.body;
    const stats = await eventually(() => statsOf(stack.queryUrl(), other, revision), {
      withinMs: 30_000,
    });
    expect(stats).to.include({ totalClicks: 2 });
  });

  it('equals the log', () => expectAuditClean(stack));

  it('builds its read models anew beside the active ones, and goes back', async () => {
    const built = await stack.job('rebuild');
    expect(built.code, built.output + built.errors).to.equal(0);
    expect(await stack.job('rebuild', 'promote')).to.include({ output: 'v2 is active.\n' });
    const click = await command('click', { anime_id: other });
    const { revision } = click.body;
    const stats = await eventually(() => statsOf(stack.queryUrl(), other, revision), {
      withinMs: 30_000,
    });
    expect(stats).to.include({ totalClicks: 3 });
    expect(await stack.job('rebuild', 'rollback')).to.include({ output: 'v1 is active.\n' });
    await eventually(() => statsOf(stack.queryUrl(), other, revision), { withinMs: 30_000 });
    expect((await stack.job('rebuild', 'prune', 'v2')).code).to.equal(0);
    await expectAuditClean(stack);
  });

  const metricsOf = async (part: 'bridge' | 'projector') => {
    const response = await fetch(`${originOf(stack.process(part).healthUrl)}/metrics`);
    return { text: await response.text() };
  };
});

const originOf = (url: string): string => new URL(url).origin;
