import {
  context,
  diag,
  DiagLogLevel,
  ROOT_CONTEXT,
  trace,
  type ContextManager,
} from '@opentelemetry/api';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
  type Resource,
} from '@opentelemetry/resources';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { settledWithin } from '../async/abort.js';
import type { TelemetrySettings } from '../config/telemetry.js';
import { VERSION } from '../package.js';
import type { Logger } from './logger.js';
import { metricProducer } from './otlp-metrics.js';
import type { Metrics } from './metrics.js';

export interface Telemetry {
  /** Exports what is left, for a bounded time. Never rejects. */
  close(): Promise<void>;
}

export interface TelemetryOptions {
  readonly settings: TelemetrySettings;
  readonly role: string;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

/** A collector that does not answer must not hold up a stop for longer. */
const FLUSH_MS = 3_000;
/** An exporter gives up after this, in the background. */
const EXPORT_TIMEOUT_MS = 10_000;
/** A persistent problem is logged this often. */
const REPEAT_AFTER_MS = 60_000;

interface Exporting {
  shutdown(): Promise<void>;
}

/** Addresses, headers, sampler and batch limits: the SDK reads them from the environment. */
export const startSdk = ({ settings, role, metrics, logger }: TelemetryOptions): Telemetry => {
  diag.setLogger(complaints(logger), {
    logLevel: DiagLogLevel.WARN,
    suppressOverrideMessage: true,
  });
  const resource = describe(role);
  const exporting: Exporting[] = [];
  if (settings.traces) exporting.push(startTraces(resource, logger));
  if (settings.metrics) {
    const { metricIntervalMs: exportIntervalMillis } = settings;
    const reader = new PeriodicExportingMetricReader({
      exporter: new OTLPMetricExporter(),
      exportIntervalMillis,
      exportTimeoutMillis: Math.min(EXPORT_TIMEOUT_MS, exportIntervalMillis),
      metricProducers: [metricProducer(metrics)],
    });
    exporting.push(new MeterProvider({ resource, readers: [reader] }));
  }
  return {
    close: async () => {
      const flushed = Promise.allSettled(exporting.map((each) => each.shutdown()));
      const isDone = await settledWithin(flushed, FLUSH_MS);
      if (!isDone) logger.warn('The last telemetry was not exported in time', { ms: FLUSH_MS });
    },
  };
};

/** OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES override these. */
const describe = (role: string): Resource =>
  defaultResource()
    .merge(
      resourceFromAttributes({
        'service.name': 'anime-analytics',
        'service.version': VERSION,
        'anime_analytics.role': role,
      }),
    )
    .merge(detectResources({ detectors: [envDetector] }));

const startTraces = (resource: Resource, logger: Logger): Exporting => {
  const provider = new BasicTracerProvider({
    resource,
    spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
  });
  if (trace.setGlobalTracerProvider(provider)) {
    context.setGlobalContextManager(callContexts());
  } else {
    logger.info('Spans go to the tracing SDK that was loaded before the service');
  }
  return provider;
};

/**
 * A context is active during a call, and not in what the call has started. The usual context manager
 * goes that far by AsyncLocalStorage, whose hooks run for every promise of the process before Node 24,
 * sampled or not. Requests carry their context themselves instead.
 */
const callContexts = (): ContextManager => {
  let active = ROOT_CONTEXT;
  const manager: ContextManager = {
    active: () => active,
    with: (entered, work, thisArg, ...args) => {
      const outer = active;
      active = entered;
      try {
        return work.call(thisArg, ...args);
      } finally {
        active = outer;
      }
    },
    bind: (_, target) => target,
    enable: () => manager,
    disable: () => manager,
  };
  return manager;
};

/** The SDK's own warnings and errors, such as a collector that does not answer. */
const complaints = (logger: Logger) => {
  let loggedAt = -Infinity;
  const log = (message: string, ...details: readonly unknown[]): void => {
    const now = performance.now();
    const isRepeated = now - loggedAt < REPEAT_AFTER_MS;
    if (!isRepeated) loggedAt = now;
    logger[isRepeated ? 'debug' : 'warn']('OpenTelemetry reports a problem', {
      problem: [message, ...details.map(String)].join(' '),
    });
  };
  const nothing = (): void => undefined;
  return { error: log, warn: log, info: nothing, debug: nothing, verbose: nothing };
};
