import type { Metrics } from './metrics.js';

/** What has happened since the process started, over all labels. */
export interface MetricTotals {
  readonly commands: number;
  readonly published: number;
  readonly documents: number;
  readonly queries: number;
  readonly conflicts: number;
  readonly duplicates: number;
  readonly gaps: number;
  readonly deadLetters: number;
  readonly alarms: number;
  /** Queries with errors in their response. */
  readonly errors: number;
}

interface MetricSample {
  readonly value: number;
  readonly labels: Readonly<Partial<Record<string, string | number>>>;
  readonly metricName?: string;
}

interface Readable {
  get(): Promise<{ readonly values: readonly MetricSample[] }>;
}

const sumOfMetric = async (
  metric: Readable,
  isCounted: (sample: MetricSample) => boolean = () => true,
) => {
  const { values } = await metric.get();
  return values.filter(isCounted).reduce((sum, { value }) => sum + value, 0);
};

/** A histogram has a sample per bucket beside the number of its observations. */
const isObservations = ({ metricName = '' }: MetricSample): boolean =>
  metricName.endsWith('_count');

/** The counters of `/metrics` as plain numbers. */
export const readTotals = async (metrics: Metrics): Promise<MetricTotals> => ({
  commands: await sumOfMetric(metrics.commands),
  published: await sumOfMetric(metrics.bridgeForwarded),
  documents: await sumOfMetric(metrics.projectorDocuments),
  queries: await sumOfMetric(metrics.graphqlSeconds, isObservations),
  conflicts: await sumOfMetric(metrics.appendConflicts),
  duplicates: await sumOfMetric(metrics.projectorDuplicates),
  gaps: await sumOfMetric(metrics.projectorGaps),
  deadLetters: await sumOfMetric(metrics.deadLetters),
  alarms: await sumOfMetric(metrics.projectorAlarms),
  errors: await sumOfMetric(
    metrics.graphqlSeconds,
    (sample) => isObservations(sample) && sample.labels['outcome'] === 'error',
  ),
});
