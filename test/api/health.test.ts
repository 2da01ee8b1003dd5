import { expect } from 'chai';
import { createHealth } from '../../src/platform/observability/health.js';
import { silentLogger } from '../../src/platform/observability/logger.js';
import { serveRouters } from '../support/http.js';

const start = async (checks: Record<string, () => Promise<void>>) => {
  const health = createHealth({
    service: 'command-api',
    version: '1.2.3',
    logger: silentLogger(),
    timeoutMs: 50,
    cacheMs: 0,
  });
  for (const [name, check] of Object.entries(checks)) health.register(name, check);
  const server = await serveRouters([], { health });
  const get = async (path: string) => {
    const response = await fetch(`${server.url}${path}`);
    return { status: response.status, body: await response.json() };
  };
  return { ...server, health, get };
};

const fine = () => Promise.resolve();
const hanging = () => new Promise<void>(() => undefined);
const failing = () => Promise.reject(new Error('refused'));

describe('health', () => {
  it('is 200 with every dependency while all are healthy', async () => {
    const server = await start({ 'event-store': fine });
    try {
      expect(await server.get('/health')).to.deep.equal({
        status: 200,
        body: {
          status: 'healthy',
          service: 'command-api',
          version: '1.2.3',
          dependencies: { 'event-store': 'healthy' },
        },
      });
      expect(await server.get('/ready')).to.deep.equal({ status: 200, body: { status: 'ready' } });
    } finally {
      await server.stop();
    }
  });

  for (const [name, check] of [
    ['fails', failing],
    ['does not answer', hanging],
  ] as const) {
    it(`is 503 and not ready, yet alive, while a dependency ${name}`, async () => {
      const server = await start({ good: fine, bad: check });
      try {
        const health = await server.get('/health');
        expect(health.status).to.equal(503);
        expect(health.body)
          .to.have.property('dependencies')
          .that.deep.equals({ good: 'healthy', bad: 'unhealthy' });
        expect((await server.get('/ready')).status).to.equal(503);
        expect((await server.get('/live')).status).to.equal(200);
      } finally {
        await server.stop();
      }
    });
  }

  it('is degraded, 200 and ready while streams need an operator, and lists the first', async () => {
    const server = await start({ good: fine });
    try {
      const streams = Array.from({ length: 25 }, (_, index) => ({
        stream: `anime-${index}`,
        detail: 'It cannot be read.',
        remedy: 'Read it.',
      }));
      let listed: typeof streams = streams;
      server.health.watch('commands-refused', () => listed);
      server.health.watch('none', () => []);
      const { status, body } = await server.get('/health');
      expect(status).to.equal(200);
      expect(body).to.have.property('status', 'degraded');
      expect(body)
        .to.have.property('problems')
        .that.deep.equals({ 'commands-refused': { count: 25, streams: streams.slice(0, 20) } });
      expect((await server.get('/ready')).status).to.equal(200);
      listed = [];
      expect((await server.get('/health')).body).to.not.have.property('problems');
    } finally {
      await server.stop();
    }
  });

  it('is unhealthy where a dependency is, and still shows the refused streams', async () => {
    const server = await start({ bad: failing });
    try {
      server.health.watch('commands-refused', () => [{ stream: 's', detail: 'd', remedy: 'r' }]);
      const { status, body } = await server.get('/health');
      expect(status).to.equal(503);
      expect(body).to.have.property('status', 'unhealthy');
      expect(body).to.have.nested.property('problems.commands-refused.count', 1);
    } finally {
      await server.stop();
    }
  });

  it('is degraded, 200 and ready while only a dependency that it can serve without fails', async () => {
    const server = await start({ good: fine });
    try {
      server.health.register('extra', failing, { onlyDegrades: true });
      const { status, body } = await server.get('/health');
      expect(status).to.equal(200);
      expect(body).to.include({ status: 'degraded' });
      expect(body).to.have.nested.property('dependencies.extra', 'unhealthy');
      expect((await server.get('/ready')).status).to.equal(200);
      server.health.register('needed', failing);
      expect((await server.get('/health')).status).to.equal(503);
    } finally {
      await server.stop();
    }
  });

  it('is not ready before it has started', async () => {
    const server = await start({ good: fine });
    try {
      server.health.starting();
      expect((await server.get('/ready')).status).to.equal(503);
      expect((await server.get('/live')).status).to.equal(200);
      server.health.started();
      expect((await server.get('/ready')).status).to.equal(200);
    } finally {
      await server.stop();
    }
  });

  it('is not ready once it is stopping', async () => {
    const server = await start({ good: fine });
    try {
      server.health.stopping();
      expect(await server.get('/ready')).to.deep.equal({
        status: 503,
        body: { status: 'not ready' },
      });
      expect((await server.get('/health')).status).to.equal(200);
    } finally {
      await server.stop();
    }
  });

  it('lets others wait until the service has started, and for nothing where it is not starting', async () => {
    const health = createHealth({ service: 's', version: '1', logger: silentLogger() });
    await health.untilStarted();
    health.starting();
    const seen: string[] = [];
    const waiting = health.untilStarted().then(() => seen.push('waited'));
    await Promise.resolve();
    seen.push('started');
    health.started();
    await waiting;
    expect(seen).to.deep.equal(['started', 'waited']);
    await health.untilStarted();
  });
});
