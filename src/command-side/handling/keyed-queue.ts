export interface KeyedQueue<Key, Item> {
  /** How many items of this key wait for their turn. */
  lengthOf(key: Key): number;
  push(key: Key, item: Item): void;
  /** Asks for a turn of this key even if nothing waits. */
  request(key: Key): void;
  /** Resolves when no key has a turn or waits for one. */
  idle(): Promise<void>;
}

interface QueueOfKey<Item> {
  readonly waiting: Item[];
  isRequested: boolean;
}

/**
 * Serialises work per key: one turn at a time, while other keys go on. A turn removes what it takes
 * from the front of `waiting` and may put items back there; items that arrive during a turn join the
 * end. A turn must not reject.
 */
export const createKeyedQueue = <Key, Item>(
  turn: (key: Key, waiting: Item[]) => Promise<void>,
): KeyedQueue<Key, Item> => {
  const queues = new Map<Key, QueueOfKey<Item>>();
  let whenIdle: (() => void)[] = [];

  const run = async (key: Key, queue: QueueOfKey<Item>): Promise<void> => {
    while (queue.waiting.length > 0 || queue.isRequested) {
      queue.isRequested = false;
      await turn(key, queue.waiting);
    }
    queues.delete(key);
    if (queues.size > 0) return;
    for (const resolve of whenIdle) resolve();
    whenIdle = [];
  };

  /** Whoever finds no queue makes one and runs it. */
  const change = (key: Key, apply: (queue: QueueOfKey<Item>) => void): void => {
    const present = queues.get(key);
    if (present !== undefined) {
      apply(present);
      return;
    }
    const queue: QueueOfKey<Item> = { waiting: [], isRequested: false };
    apply(queue);
    queues.set(key, queue);
    void run(key, queue);
  };

  return {
    lengthOf: (key) => queues.get(key)?.waiting.length ?? 0,
    push: (key, item) => change(key, ({ waiting }) => void waiting.push(item)),
    request: (key) => change(key, (queue) => void (queue.isRequested = true)),
    idle: async () => {
      if (queues.size > 0) await new Promise<void>((resolve) => void whenIdle.push(resolve));
    },
  };
};
