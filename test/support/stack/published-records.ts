import { randomUUID } from 'node:crypto';
import { kafkaBus } from '../../../src/adapters/kafka/bus.js';
import { loadConfig } from '../../../src/platform/config/config.js';
import { silentLogger } from '../../../src/platform/observability/logger.js';
import type { BusRecord, EventBus } from '../../../src/ports/event-bus.js';
import { eventually } from '../eventually.js';
import type { FourProcesses } from './four-processes.js';

/** Everything that is on the service's topic by now, in the order of each partition. */
export const publishedRecords = (stack: FourProcesses): Promise<readonly BusRecord[]> =>
  withBus(stack, (bus) => readAll(bus, `${stack.topic}-reader-${randomUUID()}`));

/** Puts records on the service's topic beside its bridge, as nobody should. */
export const publishTo = (stack: FourProcesses, records: readonly BusRecord[]): Promise<void> =>
  withBus(stack, async (bus) => {
    const publisher = await bus.publisher();
    await publisher.publish(records);
    await publisher.close();
  });

const withBus = async <T>(
  { environment }: FourProcesses,
  use: (bus: EventBus) => Promise<T>,
): Promise<T> => {
  const { brokers, topic, partitions } = loadConfig(environment('bridge')).kafka;
  const settings = { brokers, topic, partitions, replicationFactor: 0 };
  const bus = await kafkaBus({ ...settings, logger: silentLogger() });
  try {
    return await use(bus);
  } finally {
    await bus.close();
  }
};

const readAll = async (bus: EventBus, group: string): Promise<readonly BusRecord[]> => {
  const ends = (await bus.ends()) ?? new Map<number, bigint>();
  const wanted = [...ends].reduce((sum, [, end]) => sum + Number(end), 0);
  const records: BusRecord[] = [];
  const consumer = bus.consumer(group);
  await consumer.start((batch) => {
    records.push(...batch.records);
    return Promise.resolve();
  });
  await eventually(
    () => {
      if (records.length < wanted) throw new Error(`${records.length} of ${wanted} records came.`);
    },
    { withinMs: 60_000 },
  );
  await consumer.stop();
  return records;
};
