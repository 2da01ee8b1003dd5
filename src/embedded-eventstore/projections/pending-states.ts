import type { StateRow } from '../log/writer-protocol.js';

/** States that are computed and not stored yet, in front of the stored ones. */
export const createPendingStates = (stored: (partitionKey: string) => string | undefined) => {
  const pending = new Map<string, StateRow>();
  let taken = new Map<string, StateRow>();
  let bytes = 0;

  return {
    add: (rows: readonly StateRow[]): void => {
      for (const row of rows) {
        pending.set(row[0], row);
        bytes += (row[1]?.length ?? 0) + (row[2]?.length ?? 0);
      }
    },
    count: () => pending.size,
    bytes: () => bytes,
    /** JSON text of state and result. */
    load: (partition: string): string | undefined => {
      const row = pending.get(partition) ?? taken.get(partition);
      return row === undefined
        ? stored(JSON.stringify(partition))
        : JSON.stringify([row[1], row[2]]);
    },
    /** What is to be stored now, as the log stores it. */
    take: (): string => {
      taken = new Map(pending);
      pending.clear();
      bytes = 0;
      const rows = Array.from(taken.values(), ([partition, state, result]) => [
        JSON.stringify(partition),
        state,
        result,
      ]);
      return JSON.stringify(rows);
    },
    /** What was taken is stored. */
    stored: (): void => taken.clear(),
  };
};
