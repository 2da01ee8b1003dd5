import { expect } from 'chai';
import { openHeartbeat, watchReadModels } from '../../../src/compose/read-models-health.js';
import { createHealth } from '../../../src/platform/observability/health.js';
import { createLifecycle } from '../../../src/platform/lifecycle.js';
import { silentLogger } from '../../../src/platform/observability/logger.js';
import type { ReadStore } from '../../../src/ports/read-store.js';
import { eventually } from '../../support/eventually.js';
import { openTemporaryReadStore } from '../../support/read-store.js';

const LOG_ID = 'log-1';

describe('the health of the read models', () => {
  let store: ReadStore;
  let stop: () => Promise<void>;

  beforeEach(async () => {
    ({ store, stop } = await openTemporaryReadStore());
  });
  afterEach(() => stop());

  const given = (feeds: readonly string[] = []) => {
    const health = createHealth({
      service: 'test',
      version: '0',
      logger: silentLogger(),
      cacheMs: 0,
    });
    let now = Date.now();
    watchReadModels(
      { health },
      {
        readStore: store,
        feeds: (version) => feeds.includes(version),
        remedy: () => 'Build them.',
        now: () => now,
      },
    );
    return {
      pass: (ms: number) => void (now += ms),
      report: async () => {
        const { status, reasons = {} } = await health.report();
        const { ready } = await health.readiness();
        return { status, ready, reasons };
      },
    };
  };

  it('is unhealthy and not ready before any exist', async () => {
    const { status, ready, reasons } = await given().report();
    expect({ status, ready }).to.deep.equal({ status: 'unhealthy', ready: false });
    expect(reasons['read-models']).to.equal('There are no read models yet.');
  });

  it('is healthy where this process updates the active version', async () => {
    await store.createVersion('v1', LOG_ID);
    expect(await given(['v1']).report()).to.deep.equal({
      status: 'healthy',
      ready: true,
      reasons: {},
    });
  });

  it('is unhealthy and not ready where no projector ever updated the promoted version', async () => {
    await store.createVersion('v1', LOG_ID);
    await store.createVersion('v2', LOG_ID);
    await store.promote('v2');
    const { status, ready, reasons } = await given(['v1']).report();
    expect({ status, ready }).to.deep.equal({ status: 'unhealthy', ready: false });
    expect(reasons['read-models']).to.match(
      /^No projector has updated the active version v2 yet\. Start one/,
    );
    expect(reasons['read-models-fed']).to.match(/^The lag of the active version v2 is unknown/);
  });

  it('is unhealthy, yet ready, where the projector of the active version has been silent for 30 s', async () => {
    await store.createVersion('v1', LOG_ID);
    await store.documents('v1').noteFed(new Date());
    const { pass, report } = given();
    expect(await report()).to.deep.equal({ status: 'healthy', ready: true, reasons: {} });
    pass(31_000);
    const { status, ready, reasons } = await report();
    expect({ status, ready }).to.deep.equal({ status: 'unhealthy', ready: true });
    expect(reasons['read-models-fed']).to.match(
      /v1 is unknown: no projector has updated it for 31 s\. Start one/,
    );
  });

  it('is healthy again once a process updates the version', async () => {
    await store.createVersion('v1', LOG_ID);
    const lifecycle = createLifecycle({ logger: silentLogger(), timeoutMs: 5_000 });
    const { report } = given();
    let fed: readonly string[] = [];
    await openHeartbeat(
      { lifecycle, logger: silentLogger() },
      { readStore: store, fed: () => fed },
    );
    expect((await report()).ready).to.be.false;
    fed = ['v1'];
    await eventually(async () => expect((await report()).status).to.equal('healthy'));
    await lifecycle.close();
  });
});
