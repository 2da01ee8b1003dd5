import { ConfigError } from './config.js';

/** What is exported by OTLP. */
export interface TelemetrySettings {
  readonly traces: boolean;
  readonly metrics: boolean;
  readonly metricIntervalMs: number;
}

const METRIC_INTERVAL_MS = 60_000;

/**
 * What to export, by OpenTelemetry's standard variables; null if nothing. The SDK reads the other
 * variables itself, so OpenTelemetry's own documentation holds for this service. Read here is only
 * what decides whether to load the SDK, and what the SDK would silently ignore.
 */
export const telemetrySettings = (environment: NodeJS.ProcessEnv): TelemetrySettings | null => {
  const value = (name: string): string => environment[name]?.trim() ?? '';
  if (value('OTEL_SDK_DISABLED').toLowerCase() === 'true') return null;
  const isExported = (signal: string): boolean => {
    const names = ['OTEL_EXPORTER_OTLP_ENDPOINT', `OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`];
    const given = names.filter((name) => value(name) !== '');
    if (given.length === 0 || value(`OTEL_${signal}_EXPORTER`) === 'none') return false;
    for (const name of given) assertAddress(name, value(name));
    assertOneOf(`OTEL_${signal}_EXPORTER`, value(`OTEL_${signal}_EXPORTER`), 'otlp');
    for (const name of ['OTEL_EXPORTER_OTLP_PROTOCOL', `OTEL_EXPORTER_OTLP_${signal}_PROTOCOL`]) {
      assertOneOf(name, value(name), 'http/protobuf');
    }
    return true;
  };
  const traces = isExported('TRACES');
  const metrics = isExported('METRICS');
  if (!traces && !metrics) return null;
  const interval = value('OTEL_METRIC_EXPORT_INTERVAL');
  return { traces, metrics, metricIntervalMs: exportIntervalOf(interval) ?? METRIC_INTERVAL_MS };
};

const assertAddress = (name: string, address: string): void => {
  if (URL.canParse(address) && /^https?:$/.test(new URL(address).protocol)) return;
  throw new ConfigError(
    `${name}: must be an address with http:// or https://, such as http://localhost:4318.`,
  );
};

const assertOneOf = (name: string, value: string, supported: string): void => {
  if (value === '' || value === supported) return;
  throw new ConfigError(
    `${name}: only ${supported} is built in. To export otherwise, unset OTEL_EXPORTER_OTLP_ENDPOINT and load an SDK of your own before the service (NODE_OPTIONS=--import=...).`,
  );
};

const exportIntervalOf = (text: string): number | undefined => {
  if (text === '') return undefined;
  if (/^\d{1,9}$/.test(text) && Number(text) > 0) return Number(text);
  throw new ConfigError('OTEL_METRIC_EXPORT_INTERVAL: must be a positive number of milliseconds.');
};
