import { context, SpanStatusCode, trace, type Context, type Link } from '@opentelemetry/api';

const TRACEPARENT_HEADER = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

/** The trace of a W3C `traceparent` header; the active one where it is absent or malformed. */
export const remoteContext = (traceparent: string | undefined): Context => {
  const [, traceId, spanId, flags] = TRACEPARENT_HEADER.exec(traceparent ?? '') ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return context.active();
  const traceFlags = Number.parseInt(flags, 16);
  return trace.setSpanContext(context.active(), { traceId, spanId, traceFlags, isRemote: true });
};

/** The `traceparent` of a context; undefined where it has no trace. */
export const traceparentOf = (within: Context): string | undefined => {
  const span = trace.getSpanContext(within);
  if (span === undefined || /^0+$/.test(span.traceId)) return undefined;
  const flags = span.traceFlags.toString(16).padStart(2, '0');
  return `00-${span.traceId}-${span.spanId}-${flags}`;
};

const spanTracer = trace.getTracer('anime-analytics');
/** Links beyond this many are dropped. */
const MAX_LINKS = 128;

/**
 * One span around work for many traces at once, linked to each of them. Without a tracing SDK this costs
 * next to nothing.
 */
export const linkedSpan = async <T>(
  name: string,
  traceparents: readonly (string | undefined)[],
  work: () => Promise<T>,
): Promise<T> => {
  const span = spanTracer.startSpan(name, { links: linksTo(traceparents) });
  try {
    return await work();
  } catch (error) {
    span.setStatus({ code: SpanStatusCode.ERROR });
    throw error;
  } finally {
    span.end();
  }
};

const linksTo = (traceparents: readonly (string | undefined)[]): Link[] => {
  const links: Link[] = [];
  for (const traceparent of traceparents) {
    if (traceparent === undefined) continue;
    const linked = trace.getSpanContext(remoteContext(traceparent));
    if (linked !== undefined) links.push({ context: linked });
    if (links.length === MAX_LINKS) break;
  }
  return links;
};
