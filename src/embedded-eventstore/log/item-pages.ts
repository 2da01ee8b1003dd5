/**
 * The items of pages, one by one. An async generator costs a microsecond and half a kilobyte of garbage
 * for each item that it yields; this costs a resolved promise. The next page is asked for once every item
 * of the last one was taken. Checked before each item: `isOver` ends the iteration within a page.
 */
export const itemsOf = <Item>(
  pages: AsyncIterable<readonly Item[]>,
  isOver: () => boolean,
): AsyncIterable<Item> => ({
  [Symbol.asyncIterator]: () => iteratorOf(pages[Symbol.asyncIterator](), isOver),
});

const iteratorOf = <Item>(
  pages: AsyncIterator<readonly Item[]>,
  isOver: () => boolean,
): AsyncIterator<Item> => {
  let page: readonly Item[] = [];
  let index = 0;
  let turning: Promise<unknown> | undefined;

  const end = async (): Promise<IteratorResult<Item>> => {
    page = [];
    await pages.return?.();
    return { done: true, value: undefined };
  };

  const turnPage = async (): Promise<IteratorResult<Item>> => {
    for (;;) {
      const turned = await pages.next();
      if (turned.done === true) return { done: true, value: undefined };
      if (isOver()) return end();
      const [first] = turned.value;
      if (first === undefined) continue;
      page = turned.value;
      index = 1;
      return { done: false, value: first };
    }
  };

  const next = (): Promise<IteratorResult<Item>> => {
    // Whoever asks again before the page is there has its turn after it.
    if (turning !== undefined) return turning.then(next);
    const item = page[index];
    if (item === undefined) {
      const turned = turnPage();
      turning = turned.finally(() => (turning = undefined)).catch(() => undefined);
      return turned;
    }
    if (isOver()) return end();
    index += 1;
    return Promise.resolve({ done: false, value: item });
  };

  return { next, return: end };
};
