import { readFile } from 'node:fs/promises';
import { expect } from 'chai';
import {
  createMetrics,
  type MetricsPart,
  type PortMetrics,
} from '../../src/platform/observability/metrics.js';

const PARTS: readonly MetricsPart[] = [
  'process',
  'command-api',
  'bridge',
  'projector',
  'query-api',
];
const NODE_OWN = /^(nodejs|process)_/;

const opened = () => {
  const metrics = createMetrics({ processMetrics: true, role: 'all' });
  metrics.followBridge(() => ({ caughtUp: true, waitingEvents: 3, lagSeconds: 1.5 }));
  metrics.followEventLog(() => Promise.resolve(4096));
  metrics.followReadModels(() => Promise.resolve(8192));
  metrics.followLog(() => 0);
  metrics.followDependencies(() => Promise.resolve({ bridge: 'healthy', kafka: 'unhealthy' }));
  return metrics;
};

const namesIn = (text: string): readonly string[] =>
  [...text.matchAll(/^# TYPE (\S+) /gm)].map(([, name = '']) => name);

const namesOf = async (...parts: MetricsPart[]): Promise<readonly string[]> =>
  namesIn(await opened().port(parts).text());

describe('the metrics', () => {
  it('begin with the name of the service, except those of Node', async () => {
    const foreign = (await namesOf(...PARTS)).filter(
      (name) => !name.startsWith('anime_analytics_') && !NODE_OWN.test(name),
    );
    expect(foreign).to.deep.equal([]);
  });

  it('of a port are those of its roles and its own requests', async () => {
    const names = await namesOf('bridge');
    expect(names).to.include('anime_analytics_bridge_lag_seconds');
    expect(names).to.include('anime_analytics_http_request_duration_seconds');
    expect(names.filter((name) => /commands|projector|graphql|process/.test(name))).to.be.empty;
  });

  it('of a bridge are 0 before it has started', async () => {
    const text = await createMetrics({ processMetrics: false }).port(['bridge']).text();
    for (const name of ['caught_up', 'waiting_events', 'lag_seconds']) {
      expect(text).to.match(new RegExp(`^anime_analytics_bridge_${name} 0$`, 'm'));
    }
  });

  it('of dropped subscriptions are 0 for every reason before the first drop', async () => {
    const text = await createMetrics({ processMetrics: false }).port(['bridge']).text();
    const drops = text.match(/^anime_analytics_bridge_subscription_drops_total\{.*$/gm);
    expect(drops).to.have.members(
      ['ended', 'silence', 'slow-consumer', 'unavailable'].map(
        (reason) => `anime_analytics_bridge_subscription_drops_total{reason="${reason}"} 0`,
      ),
    );
  });

  it('of alarms are 0 for every kind before the first alarm', async () => {
    const text = await createMetrics({ processMetrics: false }).port(['projector']).text();
    const alarms = text.match(/^anime_analytics_projector_alarms_total\{.*$/gm);
    expect(alarms).to.have.members(
      ['another-log', 'ahead-of-log', 'lost-record', 'quarantined'].map(
        (kind) => `anime_analytics_projector_alarms_total{kind="${kind}"} 0`,
      ),
    );
  });

  it('say of each dependency whether it is healthy', async () => {
    const text = await opened().port(['process']).text();
    expect(text).to.match(/^anime_analytics_dependency_healthy\{dependency="bridge"\} 1$/m);
    expect(text).to.match(/^anime_analytics_dependency_healthy\{dependency="kafka"\} 0$/m);
  });

  it('of two ports of one process have no series in common', async () => {
    const metrics = opened();
    const commands = metrics.port(['process', 'command-api', 'bridge', 'projector']);
    const queries = metrics.port(['query-api']);
    commands.httpSeconds.observe({ method: 'POST', route: '/click', status: 201 }, 0.001);
    queries.httpSeconds.observe({ method: 'POST', route: '/graphql', status: 200 }, 0.001);
    const series = async (port: PortMetrics) =>
      (await port.text()).split('\n').flatMap((line) => /^([a-z]\S*) /.exec(line)?.[1] ?? []);
    const shown = new Set(await series(commands));
    expect((await series(queries)).filter((each) => shown.has(each))).to.deep.equal([]);
  });

  it('include version and role', async () => {
    const text = await opened().port(['process']).text();
    expect(text).to.match(
      /^anime_analytics_build_info\{version="\d+\.\d+\.\d+",role="all",node="v\d+\.[\d.]+"\} 1$/m,
    );
  });

  it('report the size of the log and of the read models at each scrape', async () => {
    const text = await opened().port(['command-api', 'query-api']).text();
    expect(text).to.match(/^anime_analytics_event_log_bytes 4096$/m);
    expect(text).to.match(/^anime_analytics_read_models_bytes 8192$/m);
  });

  it('count dead letters once where the bridge and the projector share a port', async () => {
    const metrics = opened();
    metrics.deadLetters.inc();
    const text = await metrics.port(['bridge', 'projector']).text();
    expect(text.match(/^anime_analytics_dead_letters_total 1$/gm)).to.have.length(1);
  });

  it('label GraphQL operations by name, with a bounded number of names', async () => {
    const metrics = opened();
    metrics.graphqlAnswered(null, 'ok', 0.001);
    for (let name = 0; name < 1000; name += 1) {
      metrics.graphqlAnswered(`Query${name}`, 'ok', 0.001);
    }
    metrics.graphqlAnswered('Query0', 'error', 0.001);
    const text = await metrics.port(['query-api']).text();
    const counts = [...text.matchAll(/operation_duration_seconds_count\{(.*)\} (\d+)$/gm)];
    const found = new Map(counts.map(([, labels = '', count]) => [labels, Number(count)]));
    expect(found.get('operation="anonymous",outcome="ok"')).to.equal(1);
    expect(found.get('operation="Query0",outcome="error"')).to.equal(1);
    expect(found.get('operation="other",outcome="ok"')).to.equal(901);
    expect(found.size).to.equal(102);
  });

  it('are all explained in docs/metrics.md, which explains no others', async () => {
    const page = await readFile('docs/metrics.md', 'utf8');
    const explained = [...page.matchAll(/^\| `(anime_analytics_\w+)`/gm)].map(([, name]) => name);
    const existing = (await namesOf(...PARTS)).filter((name) => !NODE_OWN.test(name));
    expect([...explained].sort()).to.deep.equal([...existing].sort());
  });
});
