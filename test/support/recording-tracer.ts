import {
  INVALID_SPAN_CONTEXT,
  trace,
  type Context,
  type Span,
  type SpanOptions,
  type TracerProvider,
} from '@opentelemetry/api';

interface NotedSpan {
  readonly name: string;
  readonly options: SpanOptions;
  readonly parent: Context;
  status: unknown;
  ended: boolean;
}

/** A tracer that only notes what it is told. */
const recordingProvider = () => {
  const spans: NotedSpan[] = [];
  const startSpan = (name: string, options: SpanOptions, parent: Context) => {
    const noted: NotedSpan = { name, options, parent, status: undefined, ended: false };
    spans.push(noted);
    // A whole span: a tracer keeps this provider after it is disabled.
    const context = trace.getSpanContext(parent) ?? INVALID_SPAN_CONTEXT;
    const span: Span = Object.assign(trace.wrapSpanContext(context), {
      setStatus: (status: unknown) => {
        noted.status = status;
        return span;
      },
      end: () => void (noted.ended = true),
    });
    return span;
  };
  const provider = { getTracer: () => ({ startSpan }) } as unknown as TracerProvider;
  return { spans, provider };
};

/** One for all tests: a tracer keeps the provider that it found first. */
const { spans, provider } = recordingProvider();

/** Notes the spans of each test of a suite. */
export const recordSpans = (): readonly NotedSpan[] => {
  before(() => trace.setGlobalTracerProvider(provider));
  after(() => trace.disable());
  beforeEach(() => void spans.splice(0));
  return spans;
};
