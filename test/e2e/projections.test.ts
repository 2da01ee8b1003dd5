import { type EventStoreDBClient, type ResolvedEvent, START } from '@eventstore/db-client';
import { expect } from 'chai';
import { eventually } from '../support/eventually.js';
import { runCommandLine } from '../support/command-line.js';
import { freePort } from '../support/free-port.js';
import { connect } from '../support/grpc-node.js';
import { query, send } from '../support/http-client.js';
import { type ServiceProcess, startServiceProcess } from '../support/service-process.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const PATIENT = { withinMs: 30_000 };
const NAMES = [
  'anime-activity',
  'anime-rating-changes',
  'anime-rating-summary',
  'user-timeline',
  'global-totals',
];

/** Counts the clicks of each anime, as a client of this port might. */
const CLICKS = `fromCategory('anime').foreachStream().when({
  $init: () => ({ clicks: 0 }),
  ClickRegistered: (state) => { state.clicks += 1; return state; },
})`;

describe('projections on the embedded event store', function () {
  this.timeout(180_000);
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let port: number;
  let service: ServiceProcess;
  let client: EventStoreDBClient;

  const start = async (environment: NodeJS.ProcessEnv = {}): Promise<void> => {
    service = await startServiceProcess({
      dataDir: directory.path,
      args: ['--sample-catalog', 'data/sample-catalog.csv'],
      environment: { EVENTSTORE_PORT: String(port), ...environment },
    });
    client = connect(port);
  };

  beforeEach(async () => {
    directory = await temporaryDirectory();
    port = await freePort();
  });
  afterEach(async () => {
    await client.dispose();
    await service.end('SIGKILL');
    await directory.remove();
  });

  const job = (...args: string[]) =>
    runCommandLine(args, { DATA_DIR: directory.path, NODE_ENV: 'test' });

  /** One click, one view and one rating; the outcome of any may be unknown. */
  const interact = async (animeId: number, n: number): Promise<void> => {
    const user = { anime_id: animeId, user_id: `user ${n % 7}` };
    await send('POST', `${service.commandUrl}/click`, user);
    await send('POST', `${service.commandUrl}/view`, { ...user, duration_seconds: 10 + n });
    await send('POST', `${service.commandUrl}/rating`, { ...user, rating: 1 + (n % 10) });
  };

  /** Sends commands until the service is gone. */
  const interactUntilKilled = async (animeId: number): Promise<void> => {
    for (let n = 0; ; n += 1) {
      try {
        await interact(animeId, n);
      } catch {
        return;
      }
    }
  };

  const killUnderLoad = async (sent: number): Promise<void> => {
    const before = await eventsOf('anime-1');
    const loads = [1, 5, 6].map((animeId) => interactUntilKilled(animeId));
    await eventually(async () => {
      expect((await eventsOf('anime-1')).length).to.be.above(before.length + sent);
    }, PATIENT);
    await client.dispose();
    await service.end('SIGKILL');
    await Promise.all(loads);
  };

  const eventsOf = async (stream: string): Promise<ResolvedEvent[]> => {
    const events: ResolvedEvent[] = [];
    for await (const each of client.readStream(stream, { fromRevision: START })) events.push(each);
    return events;
  };

  const ofType = (events: readonly ResolvedEvent[], type: string) =>
    events.filter(({ event }) => event?.type === type);

  const clicksOf = (animeId: number) =>
    client.getProjectionState('clicks', { partition: `anime-${animeId}` });

  it('count exactly what is in the log, over two kills under load, and the audit agrees', async () => {
    await start();
    await interact(1, 0);
    await client.createProjection('clicks', CLICKS);
    await eventually(async () => expect(await clicksOf(1)).to.deep.equal({ clicks: 1 }), PATIENT);

    const first = await job('projections', 'deploy');
    expect(first.output).to.equal(NAMES.map((name) => `${name.padEnd(22)} created\n`).join(''));
    const again = await job('projections', 'deploy');
    expect(again.output).to.equal(NAMES.map((name) => `${name.padEnd(22)} unchanged\n`).join(''));
    expect([first.code, again.code]).to.deep.equal([0, 0]);

    for (let kill = 0; kill < 2; kill += 1) {
      await killUnderLoad(30);
      await start();
    }
    await interact(1, 0);

    for (const animeId of [1, 5, 6]) {
      const events = await eventsOf(`anime-${animeId}`);
      const clicks = ofType(events, 'ClickRegistered').length;
      await eventually(
        async () => expect(await clicksOf(animeId)).to.deep.equal({ clicks }),
        PATIENT,
      );
      const ratings = ofType(events, 'RatingGiven').map(({ event }) => Number(event?.revision));
      await eventually(async () => {
        const emitted = await eventsOf(`ratings-${animeId}`);
        const sources = emitted.map(({ event }) => (event?.data as { revision: number }).revision);
        expect(sources).to.deep.equal(ratings);
      }, PATIENT);
    }

    const { code, output } = await job('audit');
    expect(output).to.match(/v1 equals the log\.\n/);
    expect(output).to.match(
      /Projections: (\d+) of \1 anime equal, 0 differences, 0 not comparable\./,
    );
    expect(code).to.equal(0);
    expect((await job('projections', 'status')).code).to.equal(0);
  });

  it('are deployed at the start with PROJECTIONS=on, and shown by health, metrics and queries', async () => {
    await start({ PROJECTIONS: 'on' });
    await interact(1, 0);
    const state = `query State($name: String!, $partition: String) {
      projectionState(name: $name, partition: $partition)
    }`;
    await eventually(async () => {
      const asked = { name: 'anime-activity', partition: 'anime-1' };
      const { projectionState } = await query(service.queryUrl, state, asked);
      expect(projectionState).to.include({ clicks: 1, views: 1 });
    }, PATIENT);
    await eventually(async () => {
      const { projections } = await query(service.queryUrl, '{ projections { name condition } }');
      expect(projections).to.deep.include.members(
        ['$by_category', ...NAMES].map((name) => ({ name, condition: 'running' })),
      );
      const metrics = await fetch(`${service.commandUrl}/metrics`);
      expect(await metrics.text()).to.contain(
        'anime_analytics_projection_state{projection="global-totals",condition="running"} 1',
      );
      const { body } = await send('GET', `${service.commandUrl}/health`);
      expect(body).to.include({ status: 'healthy' });
    }, PATIENT);
  });

  it('are deployed and compared by jobs while the service is stopped', async () => {
    await start();
    await interact(1, 0);
    await client.dispose();
    expect(await service.end('SIGTERM')).to.equal(0);
    expect((await job('audit')).output).not.to.contain('Projections');
    expect((await job('projections', 'deploy')).code).to.equal(0);
    const { code, output } = await job('audit');
    expect(output).to.match(
      /Projections: (\d+) of \1 anime equal, 0 differences, 0 not comparable\./,
    );
    expect(code).to.equal(0);
    await start();
    expect((await job('projections', 'status')).output).to.contain(
      'global-totals          running',
    );
  });
});
