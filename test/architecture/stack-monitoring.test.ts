import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { parse } from 'yaml';
import { loadConfig } from '../../src/platform/config/config.js';
import {
  ALERT_TESTS,
  readAlertRules,
  readDashboard,
  type AlertRule,
} from '../support/alert-rules.js';
import { environmentOf, readComposeFile, type ComposeFile } from '../support/compose-file.js';

const yaml = async (path: string): Promise<unknown> => parse(await readFile(path, 'utf8'));

describe('the monitoring of the stack', () => {
  let file: ComposeFile;

  before(async () => {
    file = await readComposeFile();
  });

  it('mounts only files that exist, read-only', () => {
    const mounts = ['prometheus', 'grafana'].flatMap((name) =>
      (file.services[name]?.volumes ?? []).filter((volume) => volume.startsWith('.')),
    );
    expect(mounts).to.have.length(3);
    for (const mount of mounts) {
      const [from = '', , mode] = mount.split(':');
      expect(existsSync(join('docker', from)), from).to.equal(true);
      expect(mode).to.equal('ro');
    }
  });

  it('scrapes each role at the port of its metrics', async () => {
    const { scrape_configs: jobs } = (await yaml('docker/prometheus/prometheus.yaml')) as {
      readonly scrape_configs: readonly {
        readonly dns_sd_configs: readonly { readonly names: string[]; readonly port: number }[];
      }[];
    };
    const scraped = jobs.flatMap(({ dns_sd_configs: found }) =>
      found.map(({ names, port }) => [names.join(), port]),
    );
    const config = (role: string) => {
      const service = file.services[role] ?? expect.fail(`there is no service ${role}`);
      return loadConfig(environmentOf(service));
    };
    expect(scraped).to.have.deep.members([
      ['command-api', config('command-api').commandPort],
      ['query-api', config('query-api').queryPort],
      ['bridge', config('bridge').bridgePort],
      ['projector', config('projector').projectorPort],
    ]);
  });

  it('may name the roles as hosts where it scrapes them', () => {
    for (const role of ['command-api', 'query-api', 'bridge', 'projector']) {
      const service = file.services[role] ?? expect.fail(`there is no service ${role}`);
      expect(loadConfig(environmentOf(service)).allowedHosts).to.include(role);
    }
  });

  it('has a data source of Grafana for every panel, which is Prometheus', async () => {
    const { datasources } = (await yaml(
      'docker/grafana/provisioning/datasources/prometheus.yaml',
    )) as { readonly datasources: readonly { readonly uid: string; readonly url: string }[] };
    expect(datasources.map(({ url }) => url)).to.deep.equal(['http://prometheus:9090']);
    const used = (await readDashboard()).panels.flatMap(({ datasource, targets = [] }) => [
      ...(datasource === undefined ? [] : [datasource.uid]),
      ...targets.map((target) => target.datasource.uid),
    ]);
    expect([...new Set(used)]).to.deep.equal(datasources.map(({ uid }) => uid));
  });

  it('opens Grafana with a dashboard that it loads', async () => {
    const { providers } = (await yaml(
      'docker/grafana/provisioning/dashboards/dashboards.yaml',
    )) as { readonly providers: readonly { readonly options: { readonly path: string } }[] };
    const home = file.services['grafana']?.environment['GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH'];
    expect(home).to.equal(`${providers[0]?.options.path ?? ''}/anime-analytics.json`);
  });
});

describe('an alarm', () => {
  let rules: readonly AlertRule[];

  before(async () => {
    rules = await readAlertRules();
  });

  it('has a severity, a summary and a section on what to do about it, and no section is left over', async () => {
    for (const { alert, labels, annotations } of rules) {
      expect(labels.severity, alert).to.be.oneOf(['critical', 'warning']);
      expect(annotations.summary, alert).to.match(/\S/);
      expect(annotations.runbook_url).to.equal(`docs/operations.md#${alert.toLowerCase()}`);
    }
    const page = await readFile('docs/operations.md', 'utf8');
    const [, alarms = ''] = page.split(/^## Alarms$/m);
    const explained = [...(alarms.split(/^## /m)[0] ?? '').matchAll(/^### (\w+)$/gm)];
    expect(explained.map(([, name]) => name)).to.deep.equal(rules.map(({ alert }) => alert));
  });

  it('is raised by an example of its own', async () => {
    const { tests } = (await yaml(ALERT_TESTS)) as {
      readonly tests: readonly {
        readonly promql_expr_test: readonly {
          readonly exp_samples: readonly { readonly labels: string }[];
        }[];
      }[];
    };
    const raised = tests.flatMap(({ promql_expr_test: checks }) =>
      checks.flatMap(({ exp_samples: samples }) => samples.map(({ labels }) => labels)),
    );
    const names = raised.map((labels) => /alertname="(\w+)"/.exec(labels)?.[1]);
    expect([...new Set(names)]).to.have.members(rules.map(({ alert }) => alert));
  });
});
