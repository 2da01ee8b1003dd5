/** Runs pieces of work that have a key in common one after the other, in order of their calls. */
export type Exclusion<Key> = <T>(keys: readonly Key[], work: () => Promise<T>) => Promise<T>;

export const createExclusion = <Key>(): Exclusion<Key> => {
  /** Settles with the last work so far that has the key. */
  const lastOf = new Map<Key, Promise<void>>();

  return async (keys, work) => {
    const earlier = keys.flatMap((key) => lastOf.get(key) ?? []);
    let finish = (): void => undefined;
    const finished = new Promise<void>((resolve) => (finish = resolve));
    for (const key of keys) lastOf.set(key, finished);
    try {
      if (earlier.length > 0) await Promise.all(earlier);
      return await work();
    } finally {
      for (const key of keys) if (lastOf.get(key) === finished) lastOf.delete(key);
      finish();
    }
  };
};
