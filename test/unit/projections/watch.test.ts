import { expect } from 'chai';
import { watchProjections } from '../../../src/compose/projections.js';
import { createHealth } from '../../../src/platform/observability/health.js';
import { createLifecycle } from '../../../src/platform/lifecycle.js';
import { silentLogger } from '../../../src/platform/observability/logger.js';
import { createMetrics } from '../../../src/platform/observability/metrics.js';
import { PortError } from '../../../src/ports/errors.js';
import type { Projections } from '../../../src/ports/projections.js';
import { eventually } from '../../support/eventually.js';
import { inMemoryProjections } from '../../support/projections/in-memory.js';
import { engineWithOurs } from '../../support/projections/ours.js';

describe('watching the projections', () => {
  const closing: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0)) await close();
  });

  const watching = async (projections: Projections) => {
    const logger = silentLogger();
    const lifecycle = createLifecycle({ logger, timeoutMs: 1000 });
    closing.push(() => lifecycle.close());
    const metrics = createMetrics({ processMetrics: false });
    const health = createHealth({ service: 'test', version: '1', logger });
    await watchProjections({ logger, lifecycle, metrics, health }, projections, 1);
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
