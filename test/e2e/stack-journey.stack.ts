import { expect } from 'chai';
import type { KafkaRecord } from '../../src/adapters/kafka/record-codec.js';
import { eventually } from '../support/eventually.js';
import { query, send } from '../support/http-client.js';
import { openEventStore } from '../support/stack/event-store.js';
import { PARTS, type Part } from '../support/stack/compose-parts.js';
import { fourProcesses, type FourProcesses } from '../support/stack/four-processes.js';
import { originOf } from '../support/stack/health-check.js';
import { openKafka } from '../support/stack/kafka.js';
import { openMongodb } from '../support/stack/mongodb.js';
import { publishTo } from '../support/stack/published-records.js';
import { orSkip, type StackServer } from '../support/stack/server.js';
import { stopAll } from '../support/stack/stop-all.js';
import { expectAuditClean, freshAnimeIds, list, statsOf } from '../support/stack/story.js';
import { tracesOf } from '../support/stack/traces.js';
import { answersOfTheQueryApi } from './stack-queries.features.js';

const SEARCH = `query Search($filters: AnimeFilters) {
  searchAnimes(page: 1, pageSize: 20, filters: $filters) { items { title } total }
}`;

describe('the service in four processes', function () {
  this.timeout(180_000);
  let stack: FourProcesses;
  let eventStore: StackServer;
  const [animeId = 0, other = 0, gone = 0] = freshAnimeIds(3);

  before(async function () {
    this.timeout(300_000);
    eventStore = await orSkip(this, 'eventstoredb', openEventStore);
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
  after(() => stopAll([stack]));

  const command = (path: string, body: object) =>
    send('POST', `${stack.commandUrl()}/${path}`, { user_id: 'user123', ...body });

  it('accepts a command in one and answers a query that includes it in another', async () => {
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

  /** A log with a past may lack these titles: only an empty one gets them at the start. */
  it('has the titles of the sample catalogue, also from the start of an empty log', async () => {
    const found = async (): Promise<void> => {
      const filters = { search: 'cowboy bebop' };
      const { searchAnimes } = await query(stack.queryUrl(), SEARCH, { filters });
      expect(searchAnimes).to.have.property('total', 2);
    };
    if (eventStore.ours) await eventually(found, { withinMs: 30_000 });
    const { code, output, errors } = await stack.job('import-catalog', 'data/sample-catalog.csv');
    expect(code, output + errors).to.equal(0);
    if (eventStore.ours) expect(output).to.match(/: 0 listed, 0 revised, [1-9]\d* unchanged,/);
    await eventually(found, { withinMs: 30_000 });
  });

  it('refuses unknown and delisted anime', async () => {
    const [unknown] = freshAnimeIds(1);
    expect((await command('click', { anime_id: unknown })).status).to.equal(404);
    await send('DELETE', `${stack.commandUrl()}/animes/${gone}`);
    expect((await command('click', { anime_id: gone })).status).to.equal(410);
  });

  it('is healthy and measured in every process', async () => {
    for (const [part, dependencies] of [
      ['command-api', ['event-store']],
      ['bridge', ['event-store', 'kafka', 'bridge']],
      ['projector', ['event-store', 'read-store', 'kafka', 'projector']],
      ['query-api', ['event-store', 'read-store', 'read-models', 'read-models-fed']],
    ] as const) {
      const { status, body } = await send('GET', `${originOf(stack.process(part))}/health`);
      expect(status, part).to.equal(200);
      expect(Object.keys(body['dependencies'] as object)).to.deep.equal(dependencies);
      expect(await metricsOf(part)).to.match(/^process_resident_memory_bytes \d+$/m);
    }
    expect(await metricsOf('bridge')).to.match(/^anime_analytics_bridge_lag_seconds [\d.]+$/m);
  });

  for (const part of PARTS) {
    it(`passes the health check of the image for the ${part}: ready and alive`, async () => {
      expect(await stack.checkHealth(part)).to.equal(0);
      expect(await stack.checkHealth(part, '/live')).to.equal(0);
      expect(await stack.checkHealth(part, '/nowhere')).to.equal(1);
    });
  }

  it('keeps all data after each process was stopped, without a repeat', async () => {
    expect(await stack.end(PARTS, 'SIGTERM')).to.deep.equal([0, 0, 0, 0]);
    await stack.start();
    const click = await command('click', { anime_id: animeId });
    expect(click.body).to.have.property('revision', '4');
    const stats = await eventually(
      () => statsOf(stack.queryUrl(), animeId, click.body['revision']),
      { withinMs: 30_000 },
    );
    expect(stats).to.include({ totalClicks: 2, totalViews: 1, totalRatings: 1 });
    expect(await metricsOf('projector')).to.match(
      /^anime_analytics_projector_duplicates_total 0$/m,
    );
  });

  it('lists an unreadable record as a dead letter, and continues', async () => {
    const poison: KafkaRecord = { key: `anime-${other}`, value: Buffer.from('{"'), headers: {} };
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

  it('recomputes an anime from its stream when its dead letter is replayed', async () => {
    const { code, output } = await stack.job('dead-letters', 'replay', `anime-${other}`);
    expect(output).to.match(/v1: anime \d+ recomputed up to revision 1/);
    expect(code).to.equal(0);
    const click = await command('click', { anime_id: other });
    const { revision } = click.body;
    const stats = await eventually(() => statsOf(stack.queryUrl(), other, revision), {
      withinMs: 30_000,
    });
    expect(stats).to.include({ totalClicks: 2 });
  });

  it('has documents that equal the log', () => expectAuditClean(stack));

  it('rebuilds its read models next to the active ones, and rolls back', async () => {
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

  answersOfTheQueryApi(
    () => stack,
    () => !eventStore.ours,
  );

  it('leaves nothing on its broker and its document store', async () => {
    const traces = await tracesOf(stack.traces);
    expect(traces).to.include.members([stack.topic, `${stack.topic}.dlq`, stack.traces.database]);
    expect(traces.some((name) => name.startsWith(`${stack.topic}-v1-`))).to.be.true;
    await stack.stop();
    await eventually(async () => expect(await tracesOf(stack.traces)).to.deep.equal([]), {
      withinMs: 10_000,
    });
  });

  const metricsOf = async (part: Part): Promise<string> =>
    (await fetch(`${originOf(stack.process(part))}/metrics`)).text();
});
