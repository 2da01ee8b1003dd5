import type { Logger } from '../../../platform/observability/logger.js';
import type { Backoff } from '../../../platform/async/retry.js';
import { UnavailableError } from '../../../ports/errors.js';
import type {
  BusConsumer,
  BusItem,
  BusPublisher,
  EventBus,
  Offsets,
} from '../../../ports/event-bus.js';
import type { RecordedEvent } from '../../../ports/event-store.js';
import { createConsumerGroup, type ConsumerGroup, type PendingPublish } from './bus-group.js';

export interface InProcessBusOptions {
  readonly logger: Logger;
  /** Handled side by side. Default 1: one thread gains nothing from smaller batches. */
  readonly partitions?: number;
  /** Pause before a batch whose handler threw is delivered again. */
  readonly redelivery?: Backoff;
  /** A consumer is not healthy once a batch has failed for so long. */
  readonly unhealthyAfterMs?: number;
}

/** What is published, before it has a place on a partition. */
interface Publication {
  readonly stream: string;
  readonly at: (partition: number, offset: bigint) => BusItem;
}

/**
 * Passes events by reference within the process and stores nothing. `publish` resolves once every
 * started group has handled the events, and waits for a first group if there is none, so a publisher
 * that awaits it bounds the memory.
 */
export const createInProcessBus = ({
  logger,
  partitions = 1,
  redelivery = { baseMs: 100, maxMs: 5_000 },
  unhealthyAfterMs = 20_000,
}: InProcessBusOptions): EventBus => {
  const groups = new Map<string, ConsumerGroup>();
  const offsets = Array.from({ length: partitions }, () => 0n);
  const pending = new Set<PendingPublish>();
  let waiting: (readonly [readonly Publication[], PendingPublish])[] = [];
  let closed = false;

  const groupOf = (name: string): ConsumerGroup => {
    const group =
      groups.get(name) ??
      createConsumerGroup({ name, logger, partitions, redelivery, unhealthyAfterMs });
    groups.set(name, group);
    return group;
  };

  const place = ({ stream, at }: Publication): BusItem => {
    const partition = partitionOf(stream, partitions);
    const offset = offsets[partition] ?? 0n;
    offsets[partition] = offset + 1n;
    return at(partition, offset);
  };

  const handOver = (publications: readonly Publication[], publish: PendingPublish): void => {
    const started = [...groups.values()].filter((group) => group.hasStarted());
    if (started.length === 0) {
      waiting.push([publications, publish]);
      return;
    }
    publish.left = publications.length * started.length;
    for (const publication of publications) {
      const item = place(publication);
      for (const group of started) group.put({ item, publish });
    }
    for (const group of started) group.wake();
  };

  const publish = (publications: readonly Publication[]): Promise<Offsets> =>
    new Promise((resolve, reject) => {
      if (closed) reject(inProcessBusClosed());
      else if (publications.length === 0) resolve(NOTHING_KEPT);
      else {
        const settle = (end: () => void) => () => {
          pending.delete(mine);
          end();
        };
        const mine: PendingPublish = {
          left: publications.length,
          handled: settle(() => resolve(NOTHING_KEPT)),
          abandoned: settle(() => reject(inProcessBusClosed())),
        };
        pending.add(mine);
        handOver(publications, mine);
      }
    });

  const publisher = (logId: string): Promise<BusPublisher> => {
    let open = true;
    const publishOpen = (publications: readonly Publication[]) =>
      open ? publish(publications) : Promise.reject(inProcessBusClosed());
    return settled(() => ({
      publish: (events) => publishOpen(events.map((event) => eventPublication(event, logId))),
      publishMarker: (event) => publishOpen([markerPublication(event, logId)]),
      close: () => settled(() => void (open = false)),
    }));
  };

  const consumer = (name: string): BusConsumer => {
    const member = groupOf(name).member();
    return {
      start: (handler) =>
        settled(() => {
          if (closed) throw inProcessBusClosed();
          member.start(handler);
          const held = waiting;
          waiting = [];
          for (const [publications, publish] of held) handOver(publications, publish);
        }),
      stop: member.stop,
      healthy: member.healthy,
    };
  };

  return {
    publisher,
    consumer,
    ends: () => Promise.resolve(null),
    sample: () => Promise.resolve(null),
    forget: (name) => settled(() => (groups.get(name)?.members() ?? 0) === 0),
    committed: () => Promise.resolve(NOTHING_KEPT),
    members: (name) => settled(() => groups.get(name)?.members() ?? 0),
    ping: () =>
      settled(() => {
        if (closed) throw inProcessBusClosed();
      }),
    close: async () => {
      closed = true;
      for (const each of [...pending]) each.abandoned();
      await Promise.all([...groups.values()].map((group) => group.stop()));
    },
  };
};

const NOTHING_KEPT: Offsets = new Map();

const inProcessBusClosed = () => new UnavailableError('The bus is closed.');

const settled = <T>(work: () => T): Promise<T> => Promise.resolve().then(work);

const eventPublication = (event: RecordedEvent, logId: string): Publication => ({
  stream: event.stream,
  at: (partition, offset) => ({ kind: 'event', event, logId, partition, offset }),
});

const markerPublication = ({ stream, revision }: RecordedEvent, logId: string): Publication => ({
  stream,
  at: (partition, offset) => ({
    kind: 'unreadable',
    reason: 'too-large',
    stream,
    revision,
    value: null,
    logId,
    partition,
    offset,
  }),
});

/** FNV-1a over UTF-16 code units: spreads short, similar names well enough, and always alike. */
const partitionOf = (stream: string, partitions: number): number => {
  if (partitions === 1) return 0;
  let hash = 0x811c9dc5;
  for (let index = 0; index < stream.length; index += 1) {
    hash = Math.imul(hash ^ stream.charCodeAt(index), 0x01000193);
  }
  return (hash >>> 0) % partitions;
};
