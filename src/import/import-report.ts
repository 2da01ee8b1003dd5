import type { AnimeId } from '../domain/ids.js';
import type { PortError } from '../ports/errors.js';

/** What the store made of one title: put into the catalogue (again), changed, known as it is, or left delisted. */
export type ListingOutcome = 'listed' | 'revised' | 'unchanged' | 'delisted';

export interface TitleLine {
  readonly line: number;
  readonly animeId: AnimeId;
  readonly title: string;
}

export interface ReasonLine {
  readonly line: number;
  readonly reason: string;
}

/** All are counted, the first ones kept: a report stays small whatever the file. */
export interface Kept<Item> {
  readonly total: number;
  readonly first: readonly Item[];
}

export interface ImportReport {
  /**
   * 'completed': every row was dealt with. 'aborted': stopped by the caller. 'failed': the store
   * could not go on, and `error` says why. Running it again goes on where it stopped, because a
   * title that is in already decides nothing.
   */
  readonly ended: 'completed' | 'aborted' | 'failed';
  readonly error?: PortError;
  readonly listed: number;
  readonly revised: number;
  readonly unchanged: number;
  /** Delisted titles that were left alone. */
  readonly delisted: Kept<TitleLine>;
  /** Rows that are no title that the catalogue takes. */
  readonly rejected: Kept<ReasonLine>;
  /** Titles that the store refused to take, one by one, where others went on. */
  readonly failed: Kept<ReasonLine>;
  readonly durationMs: number;
}

/** Whether everything in the file is in the catalogue, or was left out of it on purpose. */
export const isComplete = ({ ended, rejected, failed }: ImportReport): boolean =>
  ended === 'completed' && rejected.total === 0 && failed.total === 0;

const MAX_KEPT = 1000;

/** Counts while an import runs. */
export const createTally = () => {
  const counts = { listed: 0, revised: 0, unchanged: 0 };
  const delisted = keeping<TitleLine>();
  const rejected = keeping<ReasonLine>();
  const failed = keeping<ReasonLine>();
  return {
    count: (outcome: ListingOutcome, title: TitleLine): void => {
      if (outcome === 'delisted') delisted.add(title);
      else counts[outcome] += 1;
    },
    reject: rejected.add,
    fail: failed.add,
    titles: (): number => counts.listed + counts.revised + counts.unchanged + delisted.kept().total,
    rejections: (): number => rejected.kept().total,
    counted: () => ({
      ...counts,
      delisted: delisted.kept(),
      rejected: rejected.kept(),
      failed: failed.kept(),
    }),
  };
};

const keeping = <Item>() => {
  const first: Item[] = [];
  let total = 0;
  return {
    add: (item: Item): void => {
      total += 1;
      if (first.length < MAX_KEPT) first.push(item);
    },
    kept: (): Kept<Item> => ({ total, first }),
  };
};
