/**
 * Everything, a page at a time, each page a question of its own: nothing stays open in the store for
 * as long as a slow reader takes, and nothing is lost where the store restarts between two pages.
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
