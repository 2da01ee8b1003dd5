/** The last acknowledged revision of each anime. */
export interface Revisions {
  reached(animeId: number, revision: string): void;
  of(animeId: number): string | undefined;
}

/** Anime whose revision is known at most; of the one not written to for longest it is forgotten. */
const MOST_ANIME = 1000;

export const createRevisions = (): Revisions => {
  const known = new Map<number, string>();
  return {
    reached: (animeId, revision) => {
      const before = known.get(animeId);
      known.delete(animeId);
      // Answers may overtake each other.
      known.set(animeId, before !== undefined && isAfter(before, revision) ? before : revision);
      const [oldest] = known.keys();
      if (known.size > MOST_ANIME && oldest !== undefined) known.delete(oldest);
    },
    of: (animeId) => known.get(animeId),
  };
};

/** Compares decimals of up to 64 bits, which are no numbers of JavaScript. */
const isAfter = (one: string, other: string): boolean =>
  one.length === other.length ? one > other : one.length > other.length;
