import type { LogRecord } from './event-log.js';

/**
 * The last committed events in memory, without a hole, so that a subscriber that keeps up never
 * reads the disk. Bounded by events and by bytes.
 */
export const createRecentTail = (options: {
  readonly maxEvents: number;
  readonly maxBytes: number;
  /** Where the log ends before the first event is pushed. */
  readonly position: number;
}) => {
  let records: LogRecord[] = [];
  let bytes = 0;
  /** Every event after this position is here. */
  let completeAfter = options.position;

  const trim = (): void => {
    if (records.length <= 2 * options.maxEvents && bytes <= 2 * options.maxBytes) return;
    let keep = records.length;
    for (let kept = 0; keep > 0 && records.length - keep < options.maxEvents; keep--) {
      kept += sizeOf(records[keep - 1]);
      if (kept > options.maxBytes) break;
    }
    completeAfter = Number(records[keep - 1]?.position ?? completeAfter);
    records = records.slice(keep);
    bytes = records.reduce((sum, record) => sum + sizeOf(record), 0);
  };

  return {
    push: (committed: readonly LogRecord[]): void => {
      for (const record of committed) {
        records.push(record);
        bytes += sizeOf(record);
      }
      trim();
    },
    /** Forgets everything: the log was found to end elsewhere than what was pushed. */
    restartAt: (position: number): void => {
      records = [];
      bytes = 0;
      completeAfter = position;
    },
    /** Events after a position; undefined where they are not all here any more. */
    after: (position: number, limit: number): readonly LogRecord[] | undefined => {
      if (position < completeAfter) return undefined;
      const start = firstAfter(records, BigInt(position));
      return records.slice(start, start + limit);
    },
  };
};

export type RecentTail = ReturnType<typeof createRecentTail>;

const sizeOf = (record: LogRecord | undefined): number =>
  record === undefined ? 0 : record.data.byteLength + record.metadata.byteLength;

/** By halves: positions grow through the records. */
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
