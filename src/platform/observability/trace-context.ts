import {
  context,
  defaultTextMapGetter,
  defaultTextMapSetter,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Attributes,
  type Context,
  type Span,
  type SpanOptions,
} from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { jsonObjectIn } from '../../ports/json.js';

/** The headers of W3C Trace Context. */
export interface TraceHeaders {
  readonly traceparent?: string | undefined;
  readonly tracestate?: string | undefined;
}

/** Not the global one: the trace goes on with the event even where no SDK is loaded. */
const propagator = new W3CTraceContextPropagator();

/** The trace that the headers name; the active one if they are absent or malformed. */
export const extractTrace = (headers: TraceHeaders): Context =>
  propagator.extract(context.active(), headers, defaultTextMapGetter);

/** The `traceparent` that names the trace of a context; undefined without a trace. */
export const traceparentOf = (within: Context): string | undefined => {
  const span = trace.getSpanContext(within);
  if (span === undefined) return undefined;
  const headers: { traceparent?: string } = {};
  // The propagator writes three digits for flags that the standard does not define yet.
  const traceFlags = span.traceFlags & TraceFlags.SAMPLED;
  const known = trace.setSpanContext(within, { ...span, traceFlags });
  propagator.inject(known, headers, defaultTextMapSetter);
  return headers.traceparent;
};

const TRACEPARENT_FIELD = Buffer.from('"traceparent"');
const WELL_FORMED = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/**
 * The trace that the metadata of an event name; undefined where they name none. Metadata are parsed
 * only where they can hold one: most events of an import do not.
 */
export const traceparentIn = (metadata: Uint8Array): string | undefined => {
  const bytes = Buffer.from(metadata.buffer, metadata.byteOffset, metadata.byteLength);
  if (!bytes.includes(TRACEPARENT_FIELD)) return undefined;
  const traceparent = jsonObjectIn(bytes)?.['traceparent'];
  return typeof traceparent === 'string' && WELL_FORMED.test(traceparent) ? traceparent : undefined;
};

const tracer = trace.getTracer('anime-analytics');

interface StartedSpan {
  readonly span: Span;
  /** The parent context with the span in it. */
  readonly within: Context;
}

export const startSpan = (name: string, options: SpanOptions, parent: Context): StartedSpan => {
  const span = tracer.startSpan(name, options, parent);
  return { span, within: trace.setSpan(parent, span) };
};

/** The sampler decides once for a request: without a recorded parent there is no span, only the parent's context. */
export const startChildSpan = (
  name: string,
  options: SpanOptions,
  parent: Context,
): StartedSpan => {
  const span = trace.getSpan(parent);
  if (span === undefined || span.isRecording() || isSampled(parent)) {
    return startSpan(name, options, parent);
  }
  return { span, within: parent };
};

const isSampled = (within: Context): boolean => {
  const { traceFlags = TraceFlags.NONE } = trace.getSpanContext(within) ?? {};
  return (traceFlags & TraceFlags.SAMPLED) !== 0;
};

/** Makes the trace that a `traceparent` names the active one, so that log lines name it. */
export const withinTrace = <T>(traceparent: string | undefined, work: () => T): T =>
  traceparent === undefined ? work() : context.with(extractTrace({ traceparent }), work);

/** Later traces of a larger batch get no span. */
const MAX_TRACES = 128;

/** One span around a batch in each sampled trace that its records come from. */
export const spanInEachTrace = async <T>(
  name: string,
  options: SpanOptions,
  traceparents: Iterable<string | undefined>,
  work: () => Promise<T>,
): Promise<T> => {
  const parents = sampledParents(traceparents);
  const spans = parents.map((parent) => tracer.startSpan(name, options, parent));
  try {
    return await work();
  } catch (error) {
    for (const span of spans) span.setStatus({ code: SpanStatusCode.ERROR });
    throw error;
  } finally {
    for (const span of spans) span.end();
  }
};

const sampledParents = (traceparents: Iterable<string | undefined>): readonly Context[] => {
  const parents = new Map<string, Context>();
  for (const traceparent of traceparents) {
    if (traceparent === undefined || parents.has(traceparent)) continue;
    const parent = extractTrace({ traceparent });
    if (isSampled(parent)) parents.set(traceparent, parent);
    if (parents.size === MAX_TRACES) break;
  }
  return [...parents.values()];
};
/** Runs what a request asks for in a span; events with its `traceparent` continue the trace. */

export const traced = async <Result extends object>(
  parent: Context,
  name: string,
  attributes: Attributes,
  run: (traceparent: string | undefined) => Promise<Result>,
): Promise<Result> => {
  const { span, within } = startChildSpan(name, { attributes }, parent);
  try {
    const result = await run(traceparentOf(within));
    if ('kind' in result && typeof result.kind === 'string') {
      span.setAttribute('outcome', result.kind);
    }
    return result;
  } catch (error) {
    span.setStatus({ code: SpanStatusCode.ERROR });
    throw error;
  } finally {
    span.end();
  }
};
