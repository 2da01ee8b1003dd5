import { trace, TraceFlags, type Context, type TracerProvider } from '@opentelemetry/api';

const startSpan = (_name: string, _options: unknown, parent: Context) =>
  trace.wrapSpanContext({
    traceId: trace.getSpanContext(parent)?.traceId ?? '1'.repeat(32),
    spanId: '00000000000000a1',
    traceFlags: TraceFlags.SAMPLED,
  });

/** The least that a tracing SDK does where an operator loads one with `node --import`. */
trace.setGlobalTracerProvider({ getTracer: () => ({ startSpan }) } as unknown as TracerProvider);
