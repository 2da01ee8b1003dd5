import type { EventStore, Position, RecordedEvent } from '../../ports/event-store.js';

interface PagesOptions {
  /** Exclusive; without it from the first event. */
  readonly after?: Position | undefined;
  /** The commit position of the last event, inclusive. */
  readonly end: bigint;
  readonly signal: AbortSignal;
}

/** An event may have a megabyte. */
const EVENTS_READ_AT_ONCE = 100;

/**
 * The events of a log in the order of `$all`, in pages, read no faster than they are taken but for one
 * page that is read ahead.
 */
export async function* logPages(
  store: EventStore,
  { after, end, signal }: PagesOptions,
): AsyncGenerator<readonly RecordedEvent[], void, undefined> {
  const pageAfter = (place: Position | undefined): Promise<readonly RecordedEvent[]> => {
    const page = store.readAll({ after: place, direction: 'forwards', limit: EVENTS_READ_AT_ONCE });
    // Its failure is thrown where it is awaited, unless the caller has left by then.
    page.catch(() => undefined);
    return page;
  };
  if (after !== undefined && after.commit >= end) return;
  let next = pageAfter(after);
  for (;;) {
    signal.throwIfAborted();
    const page = await next;
    const last = page.at(-1);
    if (last === undefined) return;
    const isLast = last.position.commit >= end;
    if (!isLast) next = pageAfter(last.position);
    yield isLast ? page.filter(({ position }) => position.commit <= end) : page;
    if (isLast) return;
  }
}

/** The commit position of the last event; undefined in an empty log. */
export const lastCommitIn = async (store: EventStore): Promise<bigint | undefined> => {
  const [newest] = await store.readAll({ direction: 'backwards', limit: 1 });
  return newest?.position.commit;
};

/** Progress through a log: positions grow like bytes, and no server tells the number of its events. */
export const bytesOfLog = (done: bigint, total: bigint, detail = `${total} bytes`) => ({
  done: Number(done),
  total: Number(total),
  unit: 'bytes',
  detail,
});
