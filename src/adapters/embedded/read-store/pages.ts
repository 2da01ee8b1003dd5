/**
 * Everything, a page at a time. No statement stays open between two pages: one that did would keep
 * the write-ahead log from being emptied for as long as its reader takes.
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
