import { type Attributes, type Context, SpanStatusCode } from '@opentelemetry/api';
import { startSpan, traceparentOf } from '../../platform/observability/trace-context.js';

/** Runs what a request asks for in a span; events with its `traceparent` continue the trace. */
export const traced = async <Result extends object>(
  parent: Context,
  name: string,
  attributes: Attributes,
  run: (traceparent: string | undefined) => Promise<Result>,
): Promise<Result> => {
  const { span, within } = startSpan(name, { attributes }, parent);
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
