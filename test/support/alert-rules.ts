import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';

export const ALERT_RULES = 'docker/prometheus/alerts.yaml';
export const ALERT_TESTS = 'docker/prometheus/alerts.test.yaml';
const DASHBOARD = 'docker/grafana/dashboards/anime-analytics.json';

export interface AlertRule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly runbook_url: string };
}

export const readAlertRules = async (): Promise<readonly AlertRule[]> => {
  const file = parse(await readFile(ALERT_RULES, 'utf8')) as {
    readonly groups: readonly { readonly rules: readonly AlertRule[] }[];
  };
  return file.groups.flatMap(({ rules }) => rules);
};

export interface DashboardPanel {
  readonly type: string;
  readonly title: string;
  readonly datasource?: { readonly uid: string };
  readonly targets?: readonly { readonly expr: string; readonly datasource: { uid: string } }[];
}

export const readDashboard = async () =>
  JSON.parse(await readFile(DASHBOARD, 'utf8')) as {
    readonly title: string;
    readonly panels: readonly DashboardPanel[];
  };

/** A metric in PromQL with what it is selected by. */
interface Selector {
  readonly name: string;
  readonly matchers: readonly {
    readonly label: string;
    readonly operator: string;
    readonly value: string;
  }[];
}

/** The metrics of an expression that the service or Node reports. */
export const selectorsIn = (expression: string): readonly Selector[] =>
  [...expression.matchAll(/\b((?:anime_analytics|process|nodejs)_\w+)(?:\{([^}]*)\})?/g)].map(
    ([, name = '', inside = '']) => ({
      name,
      matchers: [...inside.matchAll(/(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"/g)].map(
        ([, label = '', operator = '', value = '']) => ({ label, operator, value }),
      ),
    }),
  );
