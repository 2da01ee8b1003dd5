import type { EventStore } from '../../src/ports/event-store.js';
import { ANIME_STREAM_PREFIX } from '../../src/domain/ids.js';

export interface StoredOnce {
  readonly eventsInLog: number;
  readonly idsStoredTwice: number;
  readonly acknowledgedMissing: number;
}

/** Whether each acknowledged event is in the log, once. */
export const storedOnce = async (
  store: EventStore,
  acknowledged: readonly string[],
): Promise<StoredOnce> => {
  const ids = new Set<string>();
  let eventsInLog = 0;
  const { signal } = new AbortController();
  const options = { after: 'start', streamPrefix: ANIME_STREAM_PREFIX, signal } as const;
  for await (const delivery of store.subscribeToAll(options)) {
    if (delivery.kind === 'caught-up') break;
    if (delivery.kind !== 'event') continue;
    eventsInLog += 1;
    ids.add(delivery.event.id);
  }
  return {
    eventsInLog,
    idsStoredTwice: eventsInLog - ids.size,
    acknowledgedMissing: acknowledged.filter((id) => !ids.has(id)).length,
  };
};
