import { randomUUID } from 'node:crypto';
import type {
  BatchHandler,
  BusConsumer,
  BusRecord,
  DeliveredRecord,
  RecordBatch,
} from '../../../src/ports/event-bus.js';
import { eventually } from '../../support/eventually.js';
import type { EventBusTarget, OpenBus } from './target.js';

const utf8 = new TextEncoder();

export const record = (key: string, value: string): BusRecord => ({
  key,
  value: utf8.encode(value),
  headers: { 'esdb-record-stream-id': key },
});

export const textOf = ({ value }: BusRecord): string | null =>
  value === null ? null : new TextDecoder().decode(value);

/** What a consumer got, in the order in which it got it. */
export const collecting = () => {
  const records: DeliveredRecord[] = [];
  const handler: BatchHandler = (batch) => {
    records.push(...batch.records);
    return Promise.resolve();
  };
  const texts = (key?: string) =>
    records.filter((each) => key === undefined || each.key === key).map(textOf);
  return { records, handler, texts };
};

/** A handler that waits in the middle of a batch until it is let go. */
export const gated = (inner: BatchHandler) => {
  const entered: RecordBatch[] = [];
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  const handler: BatchHandler = async (batch) => {
    entered.push(batch);
    await opened;
    await inner(batch);
  };
  return { handler, entered, open: () => open() };
};

/** One clause's bus and its consumers, stopped whatever the clause came to. */
export const withBus =
  (target: EventBusTarget, clause: (given: Given) => Promise<void>) => async () => {
    const opened = await target.open();
    const consumers: BusConsumer[] = [];
    try {
      await clause(givenOf(target, opened, consumers));
    } finally {
      await Promise.all(consumers.map((consumer) => consumer.stop()));
      await opened.stop();
    }
  };

export type Given = ReturnType<typeof givenOf>;

const givenOf = (target: EventBusTarget, { bus }: OpenBus, consumers: BusConsumer[]) => {
  const consumer = (group: string): BusConsumer => {
    const made = bus.consumer(group);
    consumers.push(made);
    return made;
  };
  return {
    bus,
    consumer,
    freshGroup: () => `group-${randomUUID()}`,
    join: async (group: string, handler: BatchHandler): Promise<BusConsumer> => {
      const member = consumer(group);
      await member.start(handler);
      return member;
    },
    soon: <T>(assertion: () => T | Promise<T>) =>
      eventually(assertion, { withinMs: target.withinMs }),
    /** Keys of two different partitions, found by asking the bus. */
    keysApart: async (group: string): Promise<readonly [string, string]> => {
      const seen = collecting();
      const scout = consumer(group);
      await scout.start(seen.handler);
      const publisher = await bus.publisher();
      const keys = Array.from({ length: 32 }, (_, index) => `anime-${index + 1}`);
      await publisher.publish(keys.map((key) => record(key, 'where?')));
      await eventually(
        () => {
          if (seen.records.length < keys.length) throw new Error('Not all keys have come.');
        },
        { withinMs: target.withinMs },
      );
      await scout.stop();
      const [first] = seen.records;
      const other = seen.records.find(({ partition }) => partition !== first?.partition);
      if (first === undefined || other === undefined) throw new Error('There is one partition.');
      return [first.key, other.key];
    },
  };
};
