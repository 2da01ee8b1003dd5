import { silentLogger } from '../../src/platform/observability/logger.js';
import { createMetrics, type Metrics } from '../../src/platform/observability/metrics.js';
import type { BusBatch, BusItem, EventItem, UnreadableItem } from '../../src/ports/event-bus.js';
import type { EventStore } from '../../src/ports/event-store.js';
import type { DocumentStore } from '../../src/ports/read-store.js';
import { createProjector, type ProjectorOptions } from '../../src/read-side/projector/projector.js';
import { LOG_ID } from './histories.js';
import { inMemoryDeadLetters } from './in-memory-dead-letters.js';

export const batchOf = (
  items: readonly BusItem[],
  signal = new AbortController().signal,
): BusBatch => ({
  partition: 0,
  items,
  waiting: 0,
  signal,
  heartbeat: () => Promise.resolve(),
});

/** Delivered in the place of an event, without it. */
export const unreadable = (
  { event: { stream, revision }, logId, partition, offset }: EventItem,
  more: Partial<UnreadableItem> = {},
): UnreadableItem => ({
  kind: 'unreadable',
  reason: 'the record has no value',
  stream,
  revision,
  value: null,
  logId,
  partition,
  offset,
  ...more,
});

/** A projector with all that it needs, and what it counts and lists. */
export const projecting = (
  eventStore: EventStore,
  documents: DocumentStore,
  options: Partial<ProjectorOptions> = {},
) => {
  const metrics = createMetrics({ processMetrics: false });
  const deadLetters = inMemoryDeadLetters();
  const projector = createProjector({
    documents,
    eventStore,
    deadLetters,
    logId: LOG_ID,
    logger: silentLogger(),
    metrics,
    version: 'v1',
    ...options,
  });
  const counted = async (
    name: 'projectorDuplicates' | 'projectorGaps' | 'projectorApplied' | 'projectorDocuments',
  ) => (await metrics[name].get()).values[0]?.value ?? 0;
  return { ...projector, metrics, deadLetters, counted };
};

/** How often each kind of alarm was raised, without those that never were. */
export const raisedAlarms = async ({ projectorAlarms }: Metrics): Promise<[string, number][]> =>
  (await projectorAlarms.get()).values
    .filter(({ value }) => value > 0)
    .map(({ labels, value }) => [String(labels['kind']), value]);
