type StoredPair = readonly [state: string | null, result: string | null];

export interface SandboxStates {
  get(partition: string): StoredPair;
  save(partition: string, state: string | null, result: string | null): void;
  begin(): void;
  changedBytes(): number;
  /** The changes since `begin`, as elements of a JSON array; then evicts states from the cache. */
  takeChanged(): string;
  size(): number;
}

/**
 * Runs inside the sandbox, where it is passed as text: it may use nothing from outside. Caches the most
 * recently used states as texts; `load` gets others from the host, as JSON text of state and result.
 */
export const createStates = (load: (partition: string) => string | undefined): SandboxStates => {
  const { parse, stringify } = JSON;
  const HOT_STATES = 20_000;
  const HOT_BYTES = 4 * 1024 * 1024;
  /** Stands for a result that equals the state; not valid JSON, so it cannot be confused with one. */
  const SAME = '=';
  const EMPTY: StoredPair = [null, null];
  /** In order of use, the most recent last. */
  const hot = new Map<string, StoredPair>();
  let hotBytes = 0;
  let changed = new Map<string, StoredPair>();
  let changedBytes = 0;

  const sizeOf = ([state, result]: StoredPair): number =>
    (state === null ? 0 : state.length) + (result === null ? 0 : result.length);

  const keep = (partition: string, entry: StoredPair): void => {
    const before = hot.get(partition);
    if (before !== undefined) {
      hot.delete(partition);
      hotBytes -= sizeOf(before);
    }
    hot.set(partition, entry);
    hotBytes += sizeOf(entry);
  };

  const evict = (): void => {
    if (hot.size <= HOT_STATES && hotBytes <= HOT_BYTES) return;
    for (const [partition, entry] of hot) {
      if (hot.size <= HOT_STATES / 2 && hotBytes <= HOT_BYTES / 2) return;
      hot.delete(partition);
      hotBytes -= sizeOf(entry);
    }
  };

  return {
    get: (partition) => {
      const found = hot.get(partition);
      if (found !== undefined) return found;
      const text = load(partition);
      if (text === undefined) return EMPTY;
      const [state, result] = parse(text) as StoredPair;
      const entry: StoredPair = [state, result === SAME ? state : result];
      keep(partition, entry);
      return entry;
    },
    save: (partition, state, result) => {
      const entry: StoredPair = [state, result];
      keep(partition, entry);
      changed.set(partition, entry);
      changedBytes += sizeOf(entry);
    },
    begin: () => {
      changed = new Map();
      changedBytes = 0;
    },
    changedBytes: () => changedBytes,
    takeChanged: () => {
      let rows = '';
      for (const [partition, [state, result]] of changed) {
        const shown = result !== null && result === state ? SAME : result;
        const row = `[${stringify(partition)},${stringify(state)},${stringify(shown)}]`;
        rows += rows === '' ? row : ',' + row;
      }
      evict();
      return rows;
    },
    size: () => hot.size,
  };
};
