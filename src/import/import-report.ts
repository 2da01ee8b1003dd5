import type { AnimeId } from '../domain/ids.js';
import type { PortError } from '../ports/errors.js';

/** `delisted`: the title was skipped because it is delisted. */
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

/** All items are counted and only the first are kept, so that a report stays small. */
export interface Kept<Item> {
  readonly total: number;
  readonly first: readonly Item[];
}

export interface ImportReport {
  /**
   * 'completed': every row was handled. 'aborted': stopped by the caller. 'failed': the store failed,
   * and `error` says why. Another run continues, because unchanged titles append no event.
   */
  readonly ended: 'completed' | 'aborted' | 'failed';
  readonly error?: PortError;
  readonly listed: number;
  readonly revised: number;
  readonly unchanged: number;
  /** Delisted titles that were skipped. */
  readonly delisted: Kept<TitleLine>;
  /** Rows that are not valid titles. */
  readonly rejected: Kept<ReasonLine>;
  /** Titles that the store refused while others succeeded. */
  readonly failed: Kept<ReasonLine>;
  readonly durationMs: number;
}

/** True if every title of the file is in the catalogue or was skipped on purpose. */
export const isComplete = ({ ended, rejected, failed }: ImportReport): boolean =>
  ended === 'completed' && rejected.total === 0 && failed.total === 0;

const MAX_KEPT = 1000;

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
