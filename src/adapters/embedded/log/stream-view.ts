import type { Stored, StreamState, StreamView } from './append-rules.js';
import type { Heads } from './heads.js';
import type { Reader } from './reader.js';
import type { RecentIds } from './recent-ids.js';
import { isMetastream, originalOf } from './stream-metadata.js';
import type { Head } from './ticket.js';

export interface ViewParts {
  readonly reader: Reader;
  readonly heads: Heads;
  readonly recentIds: RecentIds;
}

/** A stream as the append rules see it: the disk and everything that is on its way there. */
export const viewOf = ({ reader, heads, recentIds }: ViewParts, head: Head): StreamView => ({
  state: withTombstoneOfOriginal(heads, head),
  recent: (id) => recentIds.find(head.name, id),
  at: (revision) =>
    revision > head.settled.last ? inFlightAt(head, revision) : reader.storedAt(head.id, revision),
});

const withTombstoneOfOriginal = (heads: Heads, head: Head): StreamState =>
  isMetastream(head.name) && heads.get(originalOf(head.name)).ahead.tombstoned
    ? { ...head.ahead, tombstoned: true }
    : head.ahead;

const inFlightAt = (head: Head, revision: number): Stored | undefined => {
  const wanted = BigInt(revision);
  for (const ticket of head.inFlight) {
    for (const write of ticket.writes) {
      const record = write.head === head && write.records.find((one) => one.revision === wanted);
      if (record) return { id: record.id, revision, position: Number(record.position) };
    }
  }
  return undefined;
};
