import type { LogRecord } from './event-log.js';

/**
 * The last committed events in memory, without gaps, so a subscriber that keeps up never reads the
 * disk. Bounded by events and by bytes.
 */
export const createRecentTail = (options: {
  readonly maxEvents: number;
  readonly maxBytes: number;
  /** The end of the log before the first event is pushed. */
  readonly position: number;
}) => {
  let records: LogRecord[] = [];
  let bytes = 0;
  /** Every event after this position is in memory. */
  let completeAfter = options.position;

  const trim = (): void => {
    if (records.length <= 2 * options.maxEvents && bytes <= 2 * options.maxBytes) return;
    let keep = records.length;
    for (let kept = 0; keep > 0 && records.length - keep < options.maxEvents; keep--) {
      kept += sizeOfRecord(records[keep - 1]);
      if (kept > options.maxBytes) break;
    }
    completeAfter = Number(records[keep - 1]?.position ?? completeAfter);
    records = records.slice(keep);
    bytes = records.reduce((sum, record) => sum + sizeOfRecord(record), 0);
  };

  return {
    push: (committed: readonly LogRecord[]): void => {
      for (const record of committed) {
        records.push(record);
        bytes += sizeOfRecord(record);
      }
      trim();
    },
    /** Clears the cache: the log does not end where the pushed events do. */
    restartAt: (position: number): void => {
      records = [];
      bytes = 0;
      completeAfter = position;
    },
    /** Events after a position; undefined if some are no longer in memory. */
    after: (position: number, limit: number): readonly LogRecord[] | undefined => {
      if (position < completeAfter) return undefined;
      const start = firstAfter(records, BigInt(position));
      return records.slice(start, start + limit);
    },
  };
};

export type RecentTail = ReturnType<typeof createRecentTail>;

const sizeOfRecord = (record: LogRecord | undefined): number =>
  record === undefined ? 0 : record.data.byteLength + record.metadata.byteLength;

/** Binary search: positions are increasing. */
const firstAfter = (records: readonly LogRecord[], position: bigint): number => {
  let low = 0;
  let high = records.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const record = records[middle];
    if (record !== undefined && record.position > position) high = middle;
    else low = middle + 1;
  }
  return low;
};
