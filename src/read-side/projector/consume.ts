import { spanInEachTrace, traceparentIn } from '../../platform/observability/trace-context.js';
import type { Metrics } from '../../platform/observability/metrics.js';
import type { BatchHandler, BusItem } from '../../ports/event-bus.js';
import type { Projector } from './projector.js';

export interface ConsumeOptions {
  readonly projector: Pick<Projector, 'handle' | 'skippedEvents'>;
  /** The version of the read models that is fed. */
  readonly version: string;
  /** Of the bus. */
  readonly partitions: readonly number[];
  readonly metrics: Metrics;
}

export interface Consumption {
  readonly handle: BatchHandler;
  /** The items that wait, by partition, as of the last batch. */
  readonly waiting: ReadonlyMap<number, number>;
  /** Removes the version's series from the metrics. */
  forget(): void;
}

/** Feeds the batches of the bus to a version's projector, traced and counted. */
export const createConsumption = (options: ConsumeOptions): Consumption => {
  const { projector, version, partitions, metrics } = options;
  const waiting = new Map<number, number>();

  const noteWaiting = (partition: number, items: number): void => {
    waiting.set(partition, items);
    metrics.projectorWaiting.set({ version, partition }, items);
  };
  const countUnread = (): void => {
    metrics.projectorUnread.set({ version }, projector.skippedEvents.count());
  };

  // An alert on a series that comes with the first event would not fire where none ever comes.
  metrics.projectorLagSeconds.set({ version }, 0);
  metrics.freshness.zero({ version });
  for (const partition of partitions) metrics.projectorWaiting.set({ version, partition }, 0);
  countUnread();

  return {
    waiting,
    handle: async (batch) => {
      const { partition, items } = batch;
      // What is being handled waits too, for as long as that takes.
      noteWaiting(partition, batch.waiting + items.length);
      await spanInEachTrace(`project ${version}`, tracesOf(items), () => projector.handle(batch));
      noteWaiting(partition, batch.waiting);
      countUnread();
    },
    forget: () => {
      for (const partition of partitions) metrics.projectorWaiting.remove({ version, partition });
      metrics.projectorUnread.remove({ version });
      metrics.projectorLagSeconds.remove({ version });
      metrics.freshness.remove({ version });
    },
  };
};

function* tracesOf(items: readonly BusItem[]): Generator<string | undefined> {
  for (const item of items) if (item.kind === 'event') yield traceparentIn(item.event.metadata);
}
