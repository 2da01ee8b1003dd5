/**
 * All items, one query per page: a slow reader holds no cursor open in the store, and the store may
 * restart between two pages.
 */
export const pages = async function* <Item, Key>(
  read: (after: Key | null, limit: number) => Promise<readonly Item[]>,
  keyOf: (item: Item) => Key,
  pageSize = 500,
): AsyncGenerator<Item, void, undefined> {
  for (let after: Key | null = null; ;) {
    const page: readonly Item[] = await read(after, pageSize);
    yield* page;
    const last = page.at(-1);
    if (last === undefined || page.length < pageSize) return;
    after = keyOf(last);
  }
};

/** The items in groups of `size`, the last one smaller. */
export async function* chunksOf<Item>(
  items: Iterable<Item> | AsyncIterable<Item>,
  size: number,
): AsyncGenerator<readonly Item[]> {
  let chunk: Item[] = [];
  for await (const item of items) {
    if (chunk.push(item) < size) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}

/** All items at once, for a source that is known to be short. */
export const collect = async <Item>(items: AsyncIterable<Item>): Promise<readonly Item[]> => {
  const collected: Item[] = [];
  for await (const item of items) collected.push(item);
  return collected;
};

/** Whether there is not a single item; reads no further than the first. */
export const isEmpty = async (items: AsyncIterable<unknown>): Promise<boolean> => {
  for await (const _ of items) return false;
  return true;
};
