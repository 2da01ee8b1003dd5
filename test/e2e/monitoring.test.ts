import { expect } from 'chai';
import { readAlertRules, readDashboard, selectorsIn } from '../support/alert-rules.js';
import { eventually } from '../support/eventually.js';
import { query, send } from '../support/http-client.js';
import { startServiceProcess, type ServiceProcess } from '../support/service-process.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

interface Series {
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
}

const seriesIn = (text: string): readonly Series[] =>
  [...text.matchAll(/^([a-z]\w*)(?:\{(.*)\})? \S+$/gm)].map(([, name = '', inside = '']) => ({
    name,
    labels: new Map(
      [...inside.matchAll(/(\w+)="([^"]*)"/g)].map(([, label = '', value = '']) => [label, value]),
    ),
  }));

/** What shows only once something has failed, or with other servers. */
const ELSEWHERE = new Set(['outcome="error"', 'condition="faulted"']);
const WITHOUT_SERIES = new Set(['anime_analytics_graphql_refused_total']);

describe('what dashboard and alarms ask for', function () {
  this.timeout(120_000);
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let service: ServiceProcess;
  let known: ReadonlySet<string>;
  let series: readonly Series[];
  let expressions: readonly string[];

  before(async () => {
    directory = await temporaryDirectory();
    const environment = { PROJECTIONS: 'on' };
    service = await startServiceProcess({ dataDir: directory.path, environment });
    const { commandUrl, queryUrl } = service;
    const command = { anime_id: 1, user_id: 'user1' };
    await send('PUT', `${commandUrl}/animes/1`, { title: 'Cowboy Bebop' });
    await send('POST', `${commandUrl}/click`, command);
    await send('POST', `${commandUrl}/view`, { ...command, duration_seconds: 5 });
    const { body } = await send('POST', `${commandUrl}/rating`, { ...command, rating: 8 });
    const stats = `{ animeStats(animeId: 1, minRevision: "${String(body['revision'])}") { totalViews } }`;
    await eventually(() => query(queryUrl, stats));
    const metricsOf = async (url: string) => (await fetch(new URL('/metrics', url))).text();
    // Projections are deployed and looked at from time to time.
    const text = await eventually(
      async () => {
        const texts = await Promise.all([commandUrl, queryUrl].map(metricsOf));
        const all = texts.join('\n');
        expect(all).to.contain('anime_analytics_projection_lag_seconds{');
        return all;
      },
      { withinMs: 60_000 },
    );
    const types = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)];
    known = new Set(
      types.flatMap(([, name = '', type]) =>
        type === 'histogram' ? ['_bucket', '_sum', '_count'].map((end) => name + end) : [name],
      ),
    );
    series = seriesIn(text);
    const { panels } = await readDashboard();
    expressions = [
      ...(await readAlertRules()).map(({ expr }) => expr),
      ...panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
    ];
  });

  after(async () => {
    await service.end('SIGTERM');
    await directory.remove();
  });

  it('is a metric that the service reports, under that name', () => {
    const asked = expressions.flatMap(selectorsIn).map(({ name }) => name);
    expect(asked).to.have.length.above(50);
    expect([...new Set(asked)].filter((name) => !known.has(name))).to.deep.equal([]);
  });

  it('is selected by labels that the metric has, and by values that occur', () => {
    for (const { name, matchers } of expressions.flatMap(selectorsIn)) {
      if (WITHOUT_SERIES.has(name)) continue;
      const own = series.filter((each) => each.name === name);
      expect(own, name).to.not.be.empty;
      for (const { label, operator, value } of matchers) {
        const values = own.map(({ labels }) => labels.get(label));
        expect(values, `${name} by ${label}`).to.not.include(undefined);
        if (operator === '=' && !ELSEWHERE.has(`${label}="${value}"`)) {
          expect(values, `${name} by ${label}`).to.include(value);
        }
      }
    }
  });
});
