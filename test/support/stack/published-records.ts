import { randomUUID } from 'node:crypto';
import { openKafkaEventBus } from '../../../src/adapters/kafka/bus.js';
import { toRecord, type KafkaRecord } from '../../../src/adapters/kafka/record-codec.js';
import { loadConfig } from '../../../src/platform/config/config.js';
import { silentLogger } from '../../../src/platform/observability/logger.js';
import type { BusItem, EventBus } from '../../../src/ports/event-bus.js';
import type { RecordedEvent } from '../../../src/ports/event-store.js';
import { eventually } from '../eventually.js';
import type { FourProcesses } from './four-processes.js';
import { publishRecords } from './kafka-bus.js';

/** Every event that is on the service's topic by now, in the order of each partition. */
export const publishedEvents = async (stack: FourProcesses): Promise<readonly RecordedEvent[]> =>
  (await publishedItems(stack)).flatMap((item) => (item.kind === 'event' ? [item.event] : []));

/** The same as records, as the bridge wrote them. */
export const publishedRecords = async (stack: FourProcesses): Promise<readonly KafkaRecord[]> =>
  (await publishedItems(stack)).flatMap((item) =>
    item.kind === 'event' ? [toRecord(item.event, item.logId ?? '')] : [],
  );

const publishedItems = async (stack: FourProcesses): Promise<readonly BusItem[]> => {
  const { brokers, topic, partitions } = loadConfig(stack.environment('bridge')).kafka;
  const settings = { brokers, topic, partitions, replicationFactor: 0 };
  const bus = await openKafkaEventBus({ ...settings, logger: silentLogger() });
  try {
    return await itemsOn(bus, `${topic}-reader-${randomUUID()}`);
  } finally {
    await bus.close();
  }
};

/** Puts records on the service's topic beside its bridge, as nobody should. */
export const publishTo = (stack: FourProcesses, records: readonly KafkaRecord[]): Promise<void> =>
  publishRecords(loadConfig(stack.environment('bridge')).kafka, records);

/** Everything that is on the topic of a bus by now. */
export const itemsOn = async (bus: EventBus, group: string): Promise<readonly BusItem[]> => {
  const ends = (await bus.ends()) ?? new Map<number, bigint>();
  const wanted = [...ends].reduce((sum, [, end]) => sum + Number(end), 0);
  const items: BusItem[] = [];
  const consumer = bus.consumer(group);
  await consumer.start((batch) => {
    items.push(...batch.items);
    return Promise.resolve();
  });
  await eventually(
    () => {
      if (items.length < wanted) throw new Error(`${items.length} of ${wanted} items came.`);
    },
    { withinMs: 60_000 },
  );
  await consumer.stop();
  return items;
};
