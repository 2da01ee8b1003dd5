import { randomUUID } from 'node:crypto';
import type {
  BatchHandler,
  BusBatch,
  BusConsumer,
  BusItem,
  BusPublisher,
} from '../../../src/ports/event-bus.js';
import type { RecordedEvent } from '../../../src/ports/event-store.js';
import { eventually } from '../../support/eventually.js';
import type { EventBusTarget, OpenBus } from './target.js';

const utf8 = new TextEncoder();

export const LOG_ID = 'b9b5a1a6-6e2f-4a55-8c35-3c3f1f3c7d10';

export const event = (stream: string, text: string): RecordedEvent => ({
  stream,
  revision: 0n,
  id: randomUUID(),
  type: 'Noted',
  data: utf8.encode(text),
  metadata: new Uint8Array(),
  isJson: true,
  position: { commit: 7n, prepare: 7n },
  recordedAt: Date.UTC(2026, 10, 24),
});

export const streamIn = (item: BusItem | null): string | null =>
  item?.kind === 'event' ? item.event.stream : (item?.stream ?? null);

export const textOf = (item: BusItem): string | null =>
  item.kind === 'event' ? new TextDecoder().decode(item.event.data) : null;

/** What a consumer received, in order. */
export const collecting = () => {
  const items: BusItem[] = [];
  const handler: BatchHandler = (batch) => {
    items.push(...batch.items);
    return Promise.resolve();
  };
  const texts = (stream?: string) =>
    items.filter((each) => stream === undefined || streamIn(each) === stream).map(textOf);
  return { items, handler, texts };
};

/** A handler that waits in the middle of a batch until it is released. */
export const gated = (inner: BatchHandler) => {
  const entered: BusBatch[] = [];
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

/** One clause's bus and its consumers, stopped whatever the outcome. */
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

const givenOf = (target: EventBusTarget, opened: OpenBus, consumers: BusConsumer[]) => {
  const { bus } = opened;
  const publisher = (logId = LOG_ID): Promise<BusPublisher> => bus.publisher(logId);
  const consumer = (group: string): BusConsumer => {
    const made = bus.consumer(group);
    consumers.push(made);
    return made;
  };
  return {
    bus,
    publisher,
    consumer,
    putGarbage: opened.putGarbage,
    freshGroup: () => `group-${randomUUID()}`,
    join: async (group: string, handler: BatchHandler): Promise<BusConsumer> => {
      const member = consumer(group);
      await member.start(handler);
      return member;
    },
    soon: <T>(assertion: () => T | Promise<T>) =>
      eventually(assertion, { withinMs: target.withinMs }),
    /** Streams of two different partitions, found by asking the bus. */
    streamsApart: async (group: string): Promise<readonly [string, string]> => {
      const seen = collecting();
      const scout = consumer(group);
      await scout.start(seen.handler);
      const streams = Array.from({ length: 32 }, (_, index) => `anime-${index + 1}`);
      await (await publisher()).publish(streams.map((stream) => event(stream, 'where?')));
      await eventually(
        () => {
          if (seen.items.length < streams.length) throw new Error('Not all events have come.');
        },
        { withinMs: target.withinMs },
      );
      await scout.stop();
      const [first] = seen.items;
      const other = seen.items.find(({ partition }) => partition !== first?.partition);
      if (first === undefined || other === undefined) throw new Error('There is one partition.');
      return [streamIn(first) ?? '', streamIn(other) ?? ''];
    },
  };
};
