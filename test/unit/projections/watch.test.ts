import { expect } from 'chai';
import { watchProjections } from '../../../src/compose/projections.js';
import { createHealth } from '../../../src/platform/observability/health.js';
import { createLifecycle } from '../../../src/platform/lifecycle.js';
import { silentLogger } from '../../../src/platform/observability/logger.js';
import { createMetrics } from '../../../src/platform/observability/metrics.js';
import { PortError } from '../../../src/ports/errors.js';
import type { Projections } from '../../../src/ports/projections.js';
import { eventually } from '../../support/eventually.js';
import { projectionEngine } from '../../support/projections/engine.js';
import { inMemoryProjections } from '../../support/projections/in-memory.js';
import { engineWithOurs } from '../../support/projections/ours.js';

describe('watching the projections', () => {
  const closing: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0)) await close();
  });

  const watching = async (
    projections: Projections,
    options: { readonly deploys?: boolean } = {},
  ) => {
    const logger = silentLogger();
    const lifecycle = createLifecycle({ logger, timeoutMs: 1000 });
    closing.push(() => lifecycle.close());
    const metrics = createMetrics({ processMetrics: false });
    const health = createHealth({ service: 'test', version: '1', logger });
    await watchProjections({ logger, lifecycle, metrics, health }, projections, {
      everyMs: 1,
      ...options,
    });
    return { health, text: () => metrics.port(['process']).text() };
  };

  const engine = async () => {
    const ours = await engineWithOurs();
    ours.create({ name: '$by_category', query: "fromCategory('$').when({});", emit: true });
    return ours;
  };

  it('reports in /health which one is faulted and why, and goes on serving', async () => {
    const ours = await engine();
    const { health } = await watching(inMemoryProjections(ours));
    expect((await health.report()).status).to.equal('healthy');
    ours.fail('global-totals', 'The script took too long.');
    await eventually(async () => {
      const { status, problems } = await health.report();
      expect(status).to.equal('degraded');
      expect(problems?.['projections']?.streams).to.deep.equal([
        {
          stream: '$projections-global-totals',
          detail: 'The projection global-totals is faulted: The script took too long.',
          remedy: 'Run `anime-analytics projections deploy`, which restarts it.',
        },
      ]);
    });
    expect((await health.readiness()).ready).to.equal(true);
    ours.enable('global-totals');
    await eventually(async () => expect((await health.report()).status).to.equal('healthy'));
  });

  it('reports the condition of each in the metrics', async () => {
    const ours = await engine();
    const { text } = await watching(inMemoryProjections(ours));
    ours.fail('global-totals', 'The script took too long.');
    await eventually(async () => {
      const shown = await text();
      const of = (labels: string) => `anime_analytics_projection_state{${labels}}`;
      expect(shown).to.contain(`${of('projection="global-totals",condition="faulted"')} 1`);
      expect(shown).to.contain(`${of('projection="global-totals",condition="running"')} 0`);
      expect(shown).to.contain(`${of('projection="$by_category",condition="running"')} 1`);
    });
  });

  it('counts the faults of each, and says how far it is', async () => {
    const ours = await engine();
    const { text } = await watching(inMemoryProjections(ours));
    const of = (what: string) => `anime_analytics_projection_${what}{projection="global-totals"}`;
    const shows = (expected: Readonly<Record<string, number>>) =>
      eventually(async () => {
        const shown = (await text()).split('\n');
        for (const [what, value] of Object.entries(expected)) {
          expect(shown).to.include(`${of(what)} ${value}`);
        }
      });
    await shows({ faults_total: 0, progress_ratio: 1, lag_seconds: 0 });
    ours.fail('global-totals', 'It broke.');
    await shows({ faults_total: 1 });
    await eventually(async () => {
      const [, seconds] =
        /projection_lag_seconds\{projection="global-totals"\} (\S+)/.exec(await text()) ?? [];
      expect(Number(seconds)).to.be.above(0);
    });
    ours.enable('global-totals');
    await shows({ faults_total: 1, lag_seconds: 0 });
    ours.fail('global-totals', 'It broke.');
    await shows({ faults_total: 2 });
  });

  it('deploys ours first where it is asked to, again until that succeeds', async () => {
    const fresh = projectionEngine();
    fresh.create({ name: '$by_category', query: "fromCategory('$').when({});", emit: true });
    const projections = inMemoryProjections(fresh);
    let refusals = 2;
    const { health } = await watching(
      {
        ...projections,
        deploy: (definition) =>
          refusals-- > 0
            ? Promise.reject(new PortError('UNAVAILABLE', 'Not yet.', true))
            : projections.deploy(definition),
      },
      { deploys: true },
    );
    await eventually(() => {
      expect(fresh.has('global-totals')).to.equal(true);
    });
    await eventually(async () => expect((await health.report()).status).to.equal('healthy'));
  });

  it('reports nothing where the server has no engine or denies access', async () => {
    const projections = inMemoryProjections(await engine());
    let asked = 0;
    const denied: Projections = {
      ...projections,
      list: () => {
        asked += 1;
        return Promise.reject(new PortError('ACCESS_DENIED', 'Access is denied.', false));
      },
    };
    const { health } = await watching(denied);
    await eventually(() => expect(asked).to.be.above(2));
    expect((await health.report()).status).to.equal('healthy');
    expect((await health.readiness()).ready).to.equal(true);
  });
});
