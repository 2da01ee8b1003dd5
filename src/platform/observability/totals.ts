import type { Metrics } from './metrics.js';

/** What has happened since the process started, over all labels. */
export interface Totals {
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

interface Sample {
  readonly value: number;
  readonly labels: Readonly<Partial<Record<string, string | number>>>;
  readonly metricName?: string;
}

interface Readable {
  get(): Promise<{ readonly values: readonly Sample[] }>;
}

const sumOf = async (metric: Readable, isCounted: (sample: Sample) => boolean = () => true) => {
  const { values } = await metric.get();
  return values.filter(isCounted).reduce((sum, { value }) => sum + value, 0);
};

/** A histogram has a sample per bucket beside the number of its observations. */
const isObservations = ({ metricName = '' }: Sample): boolean => metricName.endsWith('_count');

/** The counters of `/metrics` as plain numbers. */
export const readTotals = async (metrics: Metrics): Promise<Totals> => ({
  commands: await sumOf(metrics.commands),
  published: await sumOf(metrics.bridgeForwarded),
  documents: await sumOf(metrics.projectorDocuments),
  queries: await sumOf(metrics.graphqlSeconds, isObservations),
  conflicts: await sumOf(metrics.appendConflicts),
  duplicates: await sumOf(metrics.projectorDuplicates),
  gaps: await sumOf(metrics.projectorGaps),
  deadLetters: await sumOf(metrics.deadLetters),
  alarms: await sumOf(metrics.projectorAlarms),
  errors: await sumOf(
    metrics.graphqlSeconds,
    (sample) => isObservations(sample) && sample.labels['outcome'] === 'error',
  ),
});
