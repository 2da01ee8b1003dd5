import { ValueType, type HrTime } from '@opentelemetry/api';
import { millisToHrTime } from '@opentelemetry/core';
import { emptyResource } from '@opentelemetry/resources';
import {
  AggregationTemporality,
  DataPointType,
  type DataPoint,
  type Histogram,
  type MetricData,
  type MetricProducer,
} from '@opentelemetry/sdk-metrics';
import type { MetricObjectWithValues, MetricValue, MetricValueWithName } from 'prom-client';
import { VERSION } from '../package.js';
import type { Metrics } from './metrics.js';

interface Span {
  readonly startTime: HrTime;
  readonly endTime: HrTime;
}

/** The metrics of /metrics as OTLP, under the same names; each port of the process is a scope of its own. */
export const metricProducer = (metrics: Metrics): MetricProducer => {
  const startTime = millisToHrTime(performance.timeOrigin);
  return {
    collect: async () => {
      const time: Span = { startTime, endTime: millisToHrTime(Date.now()) };
      const scopeMetrics = [];
      for (const { name, read } of metrics.openPorts()) {
        scopeMetrics.push({
          scope: { name: `anime-analytics/${name}`, version: VERSION },
          metrics: (await read()).map((metric) => metricData(metric, time)),
        });
      }
      // The reader puts the resource of its provider in.
      return { resourceMetrics: { resource: emptyResource(), scopeMetrics }, errors: [] };
    },
  };
};

const metricData = (
  metric: MetricObjectWithValues<MetricValue<string>>,
  time: Span,
): MetricData => {
  const { name, help: description, type, values } = metric;
  const shared = {
    descriptor: { name, description, unit: unitOf(name), valueType: ValueType.DOUBLE },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
  };
  // prom-client calls its types by name, and declares numbers.
  switch (String(type)) {
    case 'histogram':
      return {
        ...shared,
        dataPointType: DataPointType.HISTOGRAM,
        dataPoints: histograms(values, time),
      };
    case 'counter':
      return {
        ...shared,
        dataPointType: DataPointType.SUM,
        isMonotonic: true,
        dataPoints: numbers(values, time),
      };
    default:
      return { ...shared, dataPointType: DataPointType.GAUGE, dataPoints: numbers(values, time) };
  }
};

const unitOf = (name: string): string => {
  if (/_seconds(_total)?$/.test(name)) return 's';
  return name.endsWith('_bytes') ? 'By' : '1';
};

const attributesOf = (labels: MetricValue<string>['labels']) =>
  Object.fromEntries(
    Object.entries(labels).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
  );

const numbers = (values: readonly MetricValue<string>[], time: Span): DataPoint<number>[] =>
  values.map(({ value, labels }) => ({ ...time, attributes: attributesOf(labels), value }));

/** prom-client lists, for each combination of labels, the cumulative buckets, the sum and the count. */
const histograms = (
  values: readonly MetricValueWithName<string>[] | readonly MetricValue<string>[],
  time: Span,
): DataPoint<Histogram>[] => {
  const series = new Map<string, MetricValueWithName<string>[]>();
  for (const value of values as readonly MetricValueWithName<string>[]) {
    const labels = Object.entries(value.labels).filter(([label]) => label !== 'le');
    const key = JSON.stringify(Object.fromEntries(labels));
    series.set(key, [...(series.get(key) ?? []), value]);
  }
  return [...series].map(([key, parts]) => ({
    ...time,
    attributes: JSON.parse(key) as Record<string, string | number>,
    value: histogramOf(parts),
  }));
};

const histogramOf = (parts: readonly MetricValueWithName<string>[]): Histogram => {
  const ending = (end: string) =>
    parts.find(({ metricName }) => metricName?.endsWith(end))?.value ?? 0;
  const bounds = parts.flatMap(({ labels, value }) => {
    const le = (labels as Record<string, unknown>)['le'];
    return typeof le === 'number' ? [{ le, value }] : [];
  });
  const count = ending('_count');
  const cumulative = [...bounds.map(({ value }) => value), count];
  return {
    buckets: {
      boundaries: bounds.map(({ le }) => le),
      counts: cumulative.map((value, index) => value - (cumulative[index - 1] ?? 0)),
    },
    sum: ending('_sum'),
    count,
  };
};
