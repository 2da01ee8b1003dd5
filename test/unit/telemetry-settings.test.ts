import { expect } from 'chai';
import { ConfigError, misspeltVariables } from '../../src/platform/config/config.js';
import { telemetrySettings } from '../../src/platform/config/telemetry.js';

const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://localhost:4318' };

describe('the variables of OpenTelemetry', () => {
  it('ask for nothing without an endpoint, whatever else is set', () => {
    const service = { OTEL_SERVICE_NAME: 'statistics', OTEL_TRACES_SAMPLER: 'always_on' };
    for (const nothing of [{}, service, { OTEL_EXPORTER_OTLP_ENDPOINT: ' ' }]) {
      expect(telemetrySettings(nothing)).to.equal(null);
    }
  });

  it('ask for traces and metrics, or for one of them', () => {
    const settings = { traces: true, metrics: true, metricIntervalMs: 60_000 };
    expect(telemetrySettings(ENDPOINT)).to.deep.equal(settings);
    const traces = { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://otel.example.com/v1/traces' };
    for (const only of [traces, { ...ENDPOINT, OTEL_METRICS_EXPORTER: 'none' }]) {
      expect(telemetrySettings(only)).to.deep.equal({ ...settings, metrics: false });
    }
    const interval = { ...ENDPOINT, OTEL_METRIC_EXPORT_INTERVAL: '5000' };
    expect(telemetrySettings(interval)).to.deep.equal({ ...settings, metricIntervalMs: 5000 });
  });

  it('switch it off', () => {
    expect(telemetrySettings({ ...ENDPOINT, OTEL_SDK_DISABLED: 'true' })).to.equal(null);
    const none = { OTEL_TRACES_EXPORTER: 'none', OTEL_METRICS_EXPORTER: 'none' };
    expect(telemetrySettings({ ...ENDPOINT, ...none })).to.equal(null);
  });

  for (const [name, value] of [
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'localhost:4318'],
    ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'ftp://localhost'],
    ['OTEL_EXPORTER_OTLP_PROTOCOL', 'grpc'],
    ['OTEL_EXPORTER_OTLP_METRICS_PROTOCOL', 'http/json'],
    ['OTEL_TRACES_EXPORTER', 'zipkin'],
    ['OTEL_METRIC_EXPORT_INTERVAL', '1e3'],
  ] as const) {
    it(`are refused where they ask for what is not built in: ${name}=${value}`, () => {
      const environment = { ...ENDPOINT, [name]: value };
      expect(() => telemetrySettings(environment)).to.throw(ConfigError, `${name}: `);
    });
  }

  it('are not taken for misspelt settings', () => {
    const names = [
      ...['OTEL_SERVICE_NAME', 'OTEL_RESOURCE_ATTRIBUTES', 'OTEL_LOG_LEVEL', 'OTEL_SDK_DISABLED'],
      ...['OTEL_TRACES_SAMPLER', 'OTEL_TRACES_SAMPLER_ARG', 'OTEL_BSP_SCHEDULE_DELAY'],
      ...['OTEL_EXPORTER_OTLP_ENDPOINT', 'OTEL_EXPORTER_OTLP_HEADERS', 'OTEL_PROPAGATORS'],
    ];
    expect(misspeltVariables(Object.fromEntries(names.map((name) => [name, 'x'])))).to.be.empty;
  });
});
