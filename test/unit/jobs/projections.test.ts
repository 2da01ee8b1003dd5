import { expect } from 'chai';
import { runProjectionsJob } from '../../../src/jobs/projections.js';
import { ConfigError, loadConfig } from '../../../src/platform/config/config.js';
import { silentLogger } from '../../../src/platform/observability/logger.js';
import { freePort } from '../../support/free-port.js';
import { openGrpcNode } from '../../support/grpc-node.js';
import { projectionEngine, type EngineModel } from '../../support/projections/engine.js';
import { projectionServer } from '../../support/projections/server.js';
import { rejectionOf } from '../../support/rejection-of.js';

const NAMES = [
  'anime-activity',
  'anime-rating-changes',
  'anime-rating-summary',
  'user-timeline',
  'global-totals',
];

const STACK = Array.from({ length: 60 }, (_, line) => `   at Server.Step${line}()`).join('\r\n');
const TOO_LONG = `The projection script took too long to execute (took: 312ms, limit: 250ms).\n${STACK}`;
const FAILED = `The user-timeline projection failed to process an event.\r\nHandler: Jint\r\nEvent Position: anime-1: 4\r\nMessage:\r\n\r\nIt broke.\r\n${STACK}`;

/** The standard projections that the job checks. */
const withCategories = (): EngineModel => {
  const engine = projectionEngine();
  engine.create({ name: '$by_category', query: "fromCategory('$').when({});", emit: true });
  return engine;
};

describe('the projections job', () => {
  const run = async (action: 'deploy' | 'status', url: string) => {
    const lines: string[] = [];
    const config = loadConfig({ NODE_ENV: 'test', EVENTSTORE_URL: url, DATA_DIR: '.none' });
    const print = (line: string) => void lines.push(line);
    const done = await runProjectionsJob({ config, logger: silentLogger(), action, print });
    return { done, lines };
  };

  describe('with an engine', () => {
    let engine: EngineModel;
    let server: Awaited<ReturnType<typeof projectionServer>>;

    const start = async (fresh: EngineModel) => {
      engine = fresh;
      server = await projectionServer({ engine });
    };
    afterEach(() => server.stop());

    const running = (outcome: string) => NAMES.map((name) => `${name.padEnd(22)} ${outcome}`);

    it('deploys each projection once, and prints the outcome', async () => {
      await start(withCategories());
      const first = await run('deploy', server.connectionString);
      expect(first).to.deep.equal({ done: true, lines: running('created') });
      const second = await run('deploy', server.connectionString);
      expect(second).to.deep.equal({ done: true, lines: running('unchanged') });
    });

    it('starts stopped projections, and does not notice a query that was changed by hand', async () => {
      await start(withCategories());
      await run('deploy', server.connectionString);
      const old = "fromCategory('anime').when({});";
      engine.update({ name: 'global-totals', query: old, emit: false });
      engine.disable('user-timeline');
      const { done, lines } = await run('deploy', server.connectionString);
      expect(done).to.equal(true);
      expect(lines).to.deep.equal(
        NAMES.map(
          (name) => `${name.padEnd(22)} ${name === 'user-timeline' ? 'restarted' : 'unchanged'}`,
        ),
      );
      const conditions = new Set(engine.statuses().map(({ condition }) => condition));
      expect([...conditions]).to.deep.equal(['running']);
    });

    it('enables $by_category and $by_event_type, and no other standard projection', async () => {
      const standard = ['$by_category', '$by_event_type', '$by_correlation_id'];
      const fresh = withCategories();
      for (const name of standard.slice(1)) {
        fresh.create({ name, query: "fromCategory('$').when({});", emit: true });
      }
      standard.forEach(fresh.disable);
      await start(fresh);
      const { done, lines } = await run('deploy', server.connectionString);
      expect(done).to.equal(true);
      expect(lines.slice(0, 2)).to.deep.equal([
        '$by_category           enabled',
        '$by_event_type         enabled',
      ]);
      const conditions = engine.statuses().slice(0, 3);
      expect(conditions.map(({ condition }) => condition)).to.deep.equal([
        ...['running', 'running', 'stopped'],
      ]);
    });

    it('restarts a projection whose step took too long, until it runs', async () => {
      const fresh = withCategories();
      let late = 2;
      const enable = (name: string): void => {
        fresh.enable(name);
        if (late-- > 0) fresh.fail(name, TOO_LONG);
      };
      await start({ ...fresh, enable });
      await run('deploy', server.connectionString);
      fresh.fail('global-totals', TOO_LONG);
      const { done, lines } = await run('deploy', server.connectionString);
      expect(done).to.equal(true);
      const told = lines.filter((line) => line.startsWith('global-totals'));
      expect(told).to.have.length(3);
      expect(told[0]).to.match(/ restarted$/);
      expect(told[2]).to.match(/ restarted: The projection script took too long [^\n]+$/);
    });

    it('prints the first line of the reason of a fault, and the message of an event', async () => {
      await start(withCategories());
      await run('deploy', server.connectionString);
      engine.fail('global-totals', TOO_LONG);
      engine.fail('user-timeline', FAILED);
      const { done, lines } = await run('status', server.connectionString);
      expect(done).to.equal(false);
      expect(lines.slice(-2)).to.have.members([
        `global-totals is faulted: ${TOO_LONG.split('\n')[0] ?? ''}`,
        'user-timeline is faulted: The user-timeline projection failed to process an event. ' +
          'Event Position: anime-1: 4 It broke.',
      ]);
    });

    it('prints the state of each', async () => {
      await start(withCategories());
      expect((await run('status', server.connectionString)).lines).to.deep.equal(
        running('not deployed'),
      );
      await run('deploy', server.connectionString);
      engine.append({ streamId: 'anime-1', eventType: 'Unknown', data: '{}', isJson: true });
      const { done, lines } = await run('status', server.connectionString);
      expect(lines).to.deep.equal(running('running, 100.0 %, at 1'));
      expect(done).to.equal(true);
    });

    it('fails where one is missing, stopped or faulted, with name and reason', async () => {
      await start(withCategories());
      expect(await run('status', server.connectionString)).to.include({ done: false });
      await run('deploy', server.connectionString);
      engine.disable('global-totals');
      const stopped = await run('status', server.connectionString);
      expect(stopped.done).to.equal(false);
      expect(stopped.lines.at(-1)).to.match(/^global-totals +Stopped, /);
      engine.enable('global-totals');
      const query =
        "fromCategory('anime').when({ $any: function () { throw new Error('Boom.'); } });";
      engine.update({ name: 'user-timeline', query, emit: true });
      engine.reset('user-timeline');
      engine.append({ streamId: 'anime-1', eventType: 'Unknown', data: '{}', isJson: true });
      const faulted = await run('status', server.connectionString);
      expect(faulted.done).to.equal(false);
      expect(faulted.lines.at(-1)).to.match(/^user-timeline is faulted: .*Boom\.$/);
    });

    it('fails where the server makes no categories, and says what to do', async () => {
      await start(projectionEngine());
      for (const action of ['deploy', 'status'] as const) {
        const { done, lines } = await run(action, server.connectionString);
        expect(done).to.equal(false);
        expect(lines).to.have.length(NAMES.length + 1);
        expect(lines.at(-1)).to.match(
          /^\$by_category is missing, .+RUN_PROJECTIONS=All and run `projections deploy`/,
        );
      }
    });
  });

  for (const action of ['deploy', 'status'] as const) {
    it(`${action} fails where there is no engine, with that reason`, async () => {
      const node = await openGrpcNode();
      try {
        const url = `esdb://127.0.0.1:${node.server.port}?tls=false`;
        const { done, lines } = await run(action, url);
        expect(done).to.equal(false);
        expect(lines).to.have.length(1);
        expect(lines[0]).to.match(/^This event store has no projection engine/);
      } finally {
        await node.stop();
      }
    });

    it(`${action} fails where no server answers, and says so`, async () => {
      const url = `esdb://127.0.0.1:${await freePort()}?tls=false`;
      const { done, lines } = await run(action, url);
      expect(done).to.equal(false);
      expect(lines).to.deep.equal(['The event store did not respond.']);
    });

    it(`${action} needs the address of a server or a log, and names the setting`, async () => {
      const error = await rejectionOf(run(action, ''));
      expect(error).to.be.instanceOf(ConfigError);
      expect((error as Error).message).to.match(/^DATA_DIR: /);
    });
  }
});
