import { SpanKind, trace } from '@opentelemetry/api';
import { expect } from 'chai';
import type { BusItem } from '../../src/ports/event-bus.js';
import type { Metrics } from '../../src/platform/observability/metrics.js';
import { createConsumption } from '../../src/read-side/projector/projector.js';
import { animeId, events } from '../support/examples.js';
import { logOf } from '../support/histories.js';
import { inMemoryDocuments } from '../support/in-memory-documents.js';
import { batchOf, projecting, unreadable } from '../support/projecting.js';
import { recordSpans } from '../support/recording-tracer.js';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const METADATA = Buffer.from(JSON.stringify({ traceparent: `00-${TRACE}-b7ad6b7169203331-01` }));

const given = () => {
  const { store, items } = logOf([
    { anime: 1, event: events.listed },
    { anime: 1, event: events.click },
    { anime: 1, event: 'unknown type' },
  ]);
  const documents = inMemoryDocuments();
  const projector = projecting(store, documents);
  const { metrics } = projector;
  const during: number[] = [];
  const consumption = createConsumption({
    version: 'v1',
    partitions: [0, 1],
    metrics,
    projector: {
      skippedEvents: projector.skippedEvents,
      handle: async (batch) => {
        during.push(...consumption.waiting.values());
        await projector.handle(batch);
      },
    },
  });
  return {
    items,
    metrics,
    consumption,
    documents,
    during,
    when: (delivered: readonly BusItem[], waiting = 0) =>
      consumption.handle({ ...batchOf(delivered), waiting }),
  };
};

const GAUGES = ['projectorWaiting', 'projectorUnread', 'projectorLagSeconds'] as const;

/** The series of the gauges: name, labels and value. */
const gaugesIn = async (metrics: Metrics) =>
  Object.fromEntries(
    await Promise.all(
      GAUGES.map(async (name) => [
        name,
        (await metrics[name].get()).values.map(({ labels, value }) => [labels, value]),
      ]),
    ),
  ) as Record<(typeof GAUGES)[number], unknown>;

const freshnessIn = async ({ freshness }: Metrics) =>
  (await freshness.get()).values
    .filter(({ metricName }) => metricName?.endsWith('_count'))
    .map(({ labels, value }) => [labels, value]);

describe('the consumption of a version', () => {
  const spans = recordSpans();

  it('shows all its series at 0 before the first event', async () => {
    const { metrics } = given();
    expect(await gaugesIn(metrics)).to.deep.equal({
      projectorWaiting: [
        [{ version: 'v1', partition: 0 }, 0],
        [{ version: 'v1', partition: 1 }, 0],
      ],
      projectorUnread: [[{ version: 'v1' }, 0]],
      projectorLagSeconds: [[{ version: 'v1' }, 0]],
    });
    expect(await freshnessIn(metrics)).to.deep.equal([[{ version: 'v1' }, 0]]);
  });

  it('counts items as waiting until they are in saved documents', async () => {
    const { items, when, consumption, during, metrics } = given();
    await when(items, 4);
    expect(during).to.deep.equal([7]);
    expect([...consumption.waiting]).to.deep.equal([[0, 4]]);
    expect(await gaugesIn(metrics)).to.deep.include({
      projectorWaiting: [
        [{ version: 'v1', partition: 0 }, 4],
        [{ version: 'v1', partition: 1 }, 0],
      ],
      projectorUnread: [[{ version: 'v1' }, 1]],
    });
  });

  it('counts skipped events of documents that were there before, and the series of each change', async () => {
    const { items, when, consumption, metrics, documents } = given();
    await when(items);
    const [document = expect.fail()] = await documents.animes([animeId(1)]);
    consumption.noteStored({ ...document, animeId: animeId(2) });
    expect(await gaugesIn(metrics)).to.deep.include({ projectorUnread: [[{ version: 'v1' }, 2]] });
    consumption.noteStored({ ...document, animeId: animeId(2), skipped: [] });
    expect(await gaugesIn(metrics)).to.deep.include({ projectorUnread: [[{ version: 'v1' }, 1]] });
  });

  it('leaves no series behind once the version is gone', async () => {
    const { items, when, consumption, metrics } = given();
    await when(items);
    consumption.forget();
    expect(await gaugesIn(metrics)).to.deep.equal({
      projectorWaiting: [],
      projectorUnread: [],
      projectorLagSeconds: [],
    });
    expect(await freshnessIn(metrics)).to.deep.equal([]);
  });

  it('is a span in the trace of each event, whatever cannot be read beside it', async () => {
    const { items, when } = given();
    const [listed, click] = items;
    if (listed === undefined || click === undefined) expect.fail();
    const traced = { ...click, event: { ...click.event, metadata: METADATA } };
    await when([unreadable(listed), traced]);
    expect(spans.map(({ parent }) => trace.getSpanContext(parent)?.traceId)).to.deep.equal([TRACE]);
    expect(spans[0]).to.deep.include({
      name: 'project v1',
      options: {
        kind: SpanKind.CONSUMER,
        attributes: {
          'messaging.operation.name': 'process',
          'messaging.operation.type': 'process',
        },
      },
      ended: true,
    });
  });
});
