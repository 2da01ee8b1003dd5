import { join } from 'node:path';
import { expect } from 'chai';
import { startEmbeddedNode, type EmbeddedNode } from '../support/embedded-node.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { startWaitingService, type WaitingService } from '../support/service-process.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const SERVERS = {
  'event-store': ['EventStoreDB', 'EVENTSTORE_URL'],
  kafka: ['Kafka', 'KAFKA_BROKERS'],
  'read-store': ['MongoDB', 'MONGODB_URL'],
} as const;
type Dependency = keyof typeof SERVERS;

const ROLES: Readonly<Record<string, readonly Dependency[]>> = {
  all: ['event-store', 'kafka', 'read-store'],
  'command-api': ['event-store'],
  bridge: ['event-store', 'kafka'],
  projector: ['event-store', 'kafka', 'read-store'],
  'query-api': ['read-store'],
};

/** A query API serves what it can without an event store, and does not wait for it. */
const NAMED: typeof ROLES = { ...ROLES, 'query-api': ['event-store', 'read-store'] };

const GAUGES: Readonly<Record<string, readonly string[]>> = {
  'command-api': ['anime_analytics_streams_refused 0'],
  bridge: [
    'anime_analytics_bridge_caught_up 0',
    'anime_analytics_bridge_waiting_events 0',
    'anime_analytics_bridge_lag_seconds 0',
  ],
};

const withinMs = 20_000;

describe('a service whose servers do not respond', function () {
  this.timeout(60_000);
  let data: Awaited<ReturnType<typeof temporaryDirectory>>;
  let service: WaitingService | undefined;
  let node: EmbeddedNode | undefined;
  let port: number;

  beforeEach(async () => {
    [data, port] = await Promise.all([temporaryDirectory(), freePort()]);
    service = undefined;
    node = undefined;
  });

  afterEach(async () => {
    await service?.end('SIGKILL');
    await node?.kill('SIGKILL');
    await data.remove();
  });

  const start = async (role: string, more: NodeJS.ProcessEnv = {}): Promise<WaitingService> => {
    const environment = {
      LOG_LEVEL: 'info',
      EVENTSTORE_URL: `esdb://admin:hunter2@127.0.0.1:${port}?tls=false`,
      KAFKA_BROKERS: `127.0.0.1:${port}`,
      MONGODB_URL: `mongodb://admin:hunter2@127.0.0.1:${port}/?authSource=admin`,
      ...more,
    };
    return (service = await startWaitingService({
      dataDir: data.path,
      environment,
      args: [role],
    }));
  };

  const healthUrl = async ({ output }: WaitingService): Promise<string> =>
    await eventually(
      () => {
        const [, url] = /Health\s+(\S+)\/health/.exec(output()) ?? [];
        expect(output()).to.contain('is waiting for');
        return url ?? '';
      },
      { withinMs },
    );

  const linesOf = ({ errors }: WaitingService, server: string): readonly string[] =>
    errors()
      .split('\n')
      .filter((line) => line.includes('Waiting for a server') && line.includes(`"${server}"`));

  for (const [role, dependencies] of Object.entries(ROLES)) {
    const names = dependencies.map((each) => SERVERS[each][0]);

    it(`logs as ${role} that it waits for ${names.join(', ')}, and why`, async () => {
      const waiting = await start(role);
      await healthUrl(waiting);
      const [banner = ''] = waiting.output().split('\n');
      for (const name of names) expect(banner).to.contain(`${name} at `);
      for (const name of names) {
        const line = await eventually(() => {
          const [first = ''] = linesOf(waiting, name);
          expect(first).to.not.equal('');
          return first;
        });
        expect(line).to.contain(`127.0.0.1:${port}`).and.to.contain('nothing listens there');
      }
      expect(waiting.output()).to.not.contain('is ready');
      expect(waiting.output() + waiting.errors()).to.not.match(/hunter2|stack|^\s+at /m);
      expect(await waiting.end('SIGTERM')).to.equal(0);
    });

    it(`serves probes as ${role} meanwhile, which name all servers and what does not work`, async () => {
      const waiting = await start(role);
      const url = await healthUrl(waiting);
      const health = await fetch(`${url}/health`);
      const report = (await health.json()) as Record<string, Record<string, string>>;
      expect(health.status).to.equal(503);
      const named = NAMED[role] ?? [];
      expect(Object.keys(report['dependencies'] ?? {})).to.have.members(named);
      for (const dependency of named) {
        expect(report['dependencies']?.[dependency]).to.equal('unhealthy');
        expect(report['reasons']?.[dependency])
          .to.contain(SERVERS[dependency][1])
          .and.to.match(/ until it answers\.$/);
      }
      expect((await fetch(`${url}/ready`)).status).to.equal(503);
      expect((await fetch(`${url}/live`)).status).to.equal(200);
      const metrics = await (await fetch(`${url}/metrics`)).text();
      const gauges = role === 'all' ? Object.values(GAUGES).flat() : (GAUGES[role] ?? []);
      for (const gauge of gauges) expect(metrics).to.match(new RegExp(`^${gauge}$`, 'm'));
    });
  }

  it('shows no key, password or address of a server with its credentials in any output', async () => {
    const keys = { API_KEYS: 'key-of-commands', READER_API_KEYS: 'key-of-readers' };
    const kafka = { KAFKA_USERNAME: 'kafka-user', KAFKA_PASSWORD: 'kafka-secret' };
    const sasl = { KAFKA_SASL_MECHANISM: 'plain', ...kafka };
    const waiting = await start('all', { ...keys, ...sasl, LOG_LEVEL: 'debug' });
    const url = await healthUrl(waiting);
    const headers = { 'x-api-key': keys.READER_API_KEYS };
    const told = await Promise.all(
      ['/health', '/ready', '/metrics', '/', '/click'].map(async (path) =>
        (await fetch(`${url}${path}`, { headers })).text(),
      ),
    );
    expect(told[0]).to.contain('nothing listens there');
    expect(told[2]).to.contain('anime_analytics_');
    const all = [...told, waiting.output(), waiting.errors()].join('\n');
    expect(all).to.not.match(/key-of-|kafka-user|kafka-secret|hunter2|admin[:@]/);
  });

  it('answers commands with 503 and Retry-After while it waits', async () => {
    const waiting = await start('command-api');
    const answer = await fetch(`${await healthUrl(waiting)}/click`, { method: 'POST' });
    expect(answer.status).to.equal(503);
    expect(answer.headers.get('Retry-After')).to.equal('5');
    expect(answer.headers.get('Content-Type')).to.match(/^application\/problem\+json/);
  });

  it('logs it at growing intervals', async () => {
    const waiting = await start('command-api');
    const lines = await eventually(
      () => {
        const found = linesOf(waiting, 'EventStoreDB');
        expect(found).to.have.length(3);
        return found;
      },
      { withinMs, everyMs: 100 },
    );
    const [first = 0, second = 0, third = 0] = lines.map((line) =>
      Date.parse(line.split(' ', 1)[0] ?? ''),
    );
    expect(second - first).to.be.at.least(1_000);
    expect(third - second).to.be.at.least(2_000);
  });

  it('is ready once its server responds, and not before', async () => {
    const waiting = await start('command-api');
    await healthUrl(waiting);
    node = await startEmbeddedNode({ dataDir: join(data.path, 'log'), port });
    await eventually(() => expect(waiting.output()).to.contain('is ready.'), { withinMs });
    expect(waiting.output().indexOf('is waiting for')).to.be.lessThan(
      waiting.output().indexOf('is ready.'),
    );
    expect(waiting.errors()).to.contain('Server available');
    expect((await fetch(`${await healthUrl(waiting)}/ready`)).status).to.equal(200);
  });

  it('refuses commands at once while its event store is silent, and takes them when it is back', async () => {
    node = await startEmbeddedNode({ dataDir: join(data.path, 'log'), port });
    const { pid } = node;
    const service = await start('command-api');
    await eventually(() => expect(service.output()).to.contain('is ready.'), { withinMs });
    const [, url = ''] = /Command API\s+(\S+)/.exec(service.output()) ?? [];
    const put = async (id: number) => {
      const begun = performance.now();
      const { status } = await fetch(`${url}/animes/${id}`, {
        method: 'PUT',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ title: 'A title' }),
      });
      return { status, tookMs: performance.now() - begun };
    };
    expect((await put(1)).status).to.equal(201);
    process.kill(pid, 'SIGSTOP');
    try {
      // Its append is in flight, so it is not known whether it was recorded.
      const underWay = put(2);
      await eventually(
        async () => {
          const { status, tookMs } = await put(3);
          expect(status).to.equal(503);
          expect(tookMs).to.be.lessThan(1_000);
        },
        { withinMs },
      );
      process.kill(pid, 'SIGCONT');
      await eventually(async () => expect((await put(4)).status).to.be.oneOf([200, 201]), {
        withinMs,
      });
      await underWay;
    } finally {
      process.kill(pid, 'SIGCONT');
    }
  });
});
