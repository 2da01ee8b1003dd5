import { trace } from '@opentelemetry/api';
import { expect } from 'chai';
import {
  extractTrace,
  spanInEachTrace,
  startChildSpan,
  traceparentOf,
} from '../../src/platform/observability/trace-context.js';
import { recordSpans } from '../support/recording-tracer.js';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';

describe('trace headers', () => {
  const written = (traceparent?: string): string | undefined =>
    traceparentOf(extractTrace({ traceparent }));

  it('name the trace that goes on', () => {
    expect(written(`00-${TRACE}-${SPAN}-01`)).to.equal(`00-${TRACE}-${SPAN}-01`);
    expect(written(`00-${TRACE}-${SPAN}-00`)).to.equal(`00-${TRACE}-${SPAN}-00`);
  });

  it('are ignored if they are absent or malformed', () => {
    const zeros = '0'.repeat(32);
    for (const malformed of [undefined, '', 'x', `00-${TRACE}-${SPAN}`, `00-${zeros}-${SPAN}-01`]) {
      expect(written(malformed), malformed).to.equal(undefined);
    }
  });

  it('of a newer version are read as far as they are known, and written as version 00', () => {
    expect(written(`01-${TRACE}-${SPAN}-01-more`)).to.equal(`00-${TRACE}-${SPAN}-01`);
    expect(written(`00-${TRACE}-${SPAN}-ff`)).to.equal(`00-${TRACE}-${SPAN}-01`);
  });

  it("bring the vendors' tracestate along", () => {
    const headers = { traceparent: `00-${TRACE}-${SPAN}-01`, tracestate: 'vendor=1,other=2' };
    const span = trace.getSpanContext(extractTrace(headers));
    expect(span?.traceState?.get('vendor')).to.equal('1');
  });
});

describe('a span within a request', () => {
  const spans = recordSpans();

  it('is started where that of the request is sampled', () => {
    const parent = extractTrace({ traceparent: `00-${TRACE}-${SPAN}-01` });
    startChildSpan('RegisterClick', {}, parent);
    expect(spans.map(({ name }) => name)).to.deep.equal(['RegisterClick']);
  });

  it('is that of the request where it is not sampled', () => {
    const parent = extractTrace({ traceparent: `00-${TRACE}-${SPAN}-00` });
    const { span, within } = startChildSpan('RegisterClick', {}, parent);
    expect(spans).to.deep.equal([]);
    expect(span.spanContext().spanId).to.equal(SPAN);
    expect(traceparentOf(within)).to.equal(`00-${TRACE}-${SPAN}-00`);
  });
});

describe('a span around a batch', () => {
  const spans = recordSpans();
  const parents = () => spans.map(({ parent }) => trace.getSpanContext(parent)?.traceId);

  it('is in each trace that its records come from, once, and in no other', async () => {
    const other = TRACE.replace('0', '1');
    const traceparents = [
      ...[`00-${TRACE}-${SPAN}-01`, undefined, 'not a trace'],
      ...[`00-${other}-${SPAN}-01`, `00-${TRACE}-${SPAN}-01`],
    ];
    const work = () => Promise.resolve(7);
    expect(await spanInEachTrace('project v1', {}, traceparents, work)).to.equal(7);
    expect(parents()).to.deep.equal([TRACE, other]);
    expect(spans.map(({ name }) => name)).to.deep.equal(['project v1', 'project v1']);
    expect(spans.every(({ ended }) => ended)).to.equal(true);
  });

  it('is left out of a trace that is not sampled', async () => {
    await spanInEachTrace('project v1', {}, [`00-${TRACE}-${SPAN}-00`], () => Promise.resolve());
    expect(spans).to.deep.equal([]);
  });

  it('is in the first 128 traces of a larger batch', async () => {
    const traceparents = Array.from({ length: 300 }, (_, index) => {
      return `00-${(index + 1).toString(16).padStart(32, '0')}-${SPAN}-01`;
    });
    await spanInEachTrace('project v1', {}, traceparents, () => Promise.resolve());
    expect(new Set(parents()).size).to.equal(128);
  });

  it('ends with an error where the work fails, and passes it on', async () => {
    const failure = new Error('Not this time.');
    const traceparents = [`00-${TRACE}-${SPAN}-01`];
    const work = () => Promise.reject(failure);
    const error: unknown = await spanInEachTrace('project v1', {}, traceparents, work).catch(
      (reason: unknown) => reason,
    );
    expect(error).to.equal(failure);
    expect(spans[0]).to.deep.include({ status: { code: 2 }, ended: true });
  });
});
