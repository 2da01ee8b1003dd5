export interface KeyedQueue<Key, Item> {
  /** Number of queued items of this key. */
  lengthOf(key: Key): number;
  push(key: Key, item: Item): void;
  /** Requests a turn of this key even if its queue is empty. */
  request(key: Key): void;
  /** Resolves when no key has a turn or queued items. */
  idle(): Promise<void>;
}

interface QueueOfKey<Item> {
  readonly waiting: Item[];
  isRequested: boolean;
}

/**
 * Serialises work per key; keys run concurrently. A turn takes items from the front of `waiting` and
 * may put some back there. Items that arrive during a turn are added at the end. A turn must not
 * reject.
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

  /** The first item of a key creates its queue and runs it. */
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
