import type { Logger } from '../../../platform/observability/logger.js';
import type { Backoff } from '../../../platform/async/retry.js';
import { UnavailableError } from '../../../ports/errors.js';
import type {
  BusConsumer,
  BusPublisher,
  BusRecord,
  EventBus,
  Offsets,
} from '../../../ports/event-bus.js';
import { createGroup, type Group, type PublishTicket } from './bus-group.js';

export interface InProcessBusOptions {
  readonly logger: Logger;
  /** Handled side by side. Default 1: one thread gains nothing by cutting batches smaller. */
  readonly partitions?: number;
  /** At most so many records are handed over at once. */
  readonly maxBatch?: number;
  /** Pause before a batch whose handler threw is delivered again. */
  readonly redelivery?: Backoff;
  /** How long `stop` lets a running handler finish before it is told to leave. */
  readonly stopTimeoutMs?: number;
  /** A consumer is not healthy once a batch has failed for so long. */
  readonly unhealthyAfterMs?: number;
}

/**
 * Hands records over inside the process. It keeps nothing: `publish` resolves once every group that
 * has started by then has handled the records, and waits while there is none at all. So what it
 * takes is bounded by whoever awaits it.
 */
export const inProcessBus = ({
  logger,
  partitions = 1,
  maxBatch = 1_000,
  redelivery = { baseMs: 100, maxMs: 5_000 },
  stopTimeoutMs = 10_000,
  unhealthyAfterMs = 20_000,
}: InProcessBusOptions): EventBus => {
  const groups = new Map<string, Group>();
  const offsets = Array.from({ length: partitions }, () => 0n);
  const tickets = new Set<PublishTicket>();
  let waiting: (readonly [readonly BusRecord[], PublishTicket])[] = [];
  let closed = false;

  const groupOf = (name: string): Group => {
    const settings = { logger, partitions, maxBatch, redelivery, unhealthyAfterMs };
    const group = groups.get(name) ?? createGroup({ name, ...settings });
    groups.set(name, group);
    return group;
  };

  const handOver = (records: readonly BusRecord[], ticket: PublishTicket): void => {
    const takers = [...groups.values()].filter((group) => group.hasStarted());
    if (takers.length === 0) {
      waiting.push([records, ticket]);
      return;
    }
    ticket.left = records.length * takers.length;
    for (const record of records) {
      const partition = partitionOf(record.key, partitions);
      const offset = offsets[partition] ?? 0n;
      offsets[partition] = offset + 1n;
      const { key, value, headers } = record;
      const delivered = { key, value, headers, partition, offset };
      for (const group of takers) group.put(partition, { record: delivered, ticket });
    }
    for (const group of takers) group.wake();
  };

  const publish = (records: readonly BusRecord[]): Promise<Offsets> =>
    new Promise((resolve, reject) => {
      if (closed) reject(gone());
      else if (records.length === 0) resolve(NOTHING_KEPT);
      else {
        const settle = (end: () => void) => () => {
          tickets.delete(ticket);
          end();
        };
        const ticket: PublishTicket = {
          left: records.length,
          handled: settle(() => resolve(NOTHING_KEPT)),
          abandoned: settle(() => reject(gone())),
        };
        tickets.add(ticket);
        handOver(records, ticket);
      }
    });

  const publisher = (): Promise<BusPublisher> => {
    let open = true;
    return settled(() => ({
      publish: (records) => (open ? publish(records) : Promise.reject(gone())),
      close: () => settled(() => void (open = false)),
    }));
  };

  const consumer = (name: string): BusConsumer => {
    const member = groupOf(name).member(stopTimeoutMs);
    return {
      start: (handler) =>
        settled(() => {
          if (closed) throw gone();
          member.start(handler);
          const held = waiting;
          waiting = [];
          for (const [records, ticket] of held) handOver(records, ticket);
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
        if (closed) throw gone();
      }),
    close: async () => {
      closed = true;
      for (const ticket of [...tickets]) ticket.abandoned();
      await Promise.all([...groups.values()].map((group) => group.stop()));
    },
  };
};

const NOTHING_KEPT: Offsets = new Map();

const gone = () => new UnavailableError('The bus is closed.');

const settled = <T>(work: () => T): Promise<T> => Promise.resolve().then(work);

/** FNV-1a over UTF-16 code units: spreads short, similar keys well enough, and always alike. */
const partitionOf = (key: string, partitions: number): number => {
  if (partitions === 1) return 0;
  let hash = 0x811c9dc5;
  for (let index = 0; index < key.length; index += 1) {
    hash = Math.imul(hash ^ key.charCodeAt(index), 0x01000193);
  }
  return (hash >>> 0) % partitions;
};
