import type { ImportProgress } from './catalog-import.js';

/** As much of a stream as showing progress needs. */
export interface ProgressOutput {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export interface ProgressOptions {
  readonly output: ProgressOutput;
  readonly totalBytes: number;
  /** Milliseconds of any clock. */
  readonly now: () => number;
}

export interface ProgressDisplay {
  readonly show: (progress: ImportProgress) => void;
  /** Shows the last state; `complete` where all of the file was read. Nothing is shown after it. */
  readonly end: (complete: boolean) => void;
}

/** A bar on a terminal, else a line for every tenth of the file. */
export const createProgress = (options: ProgressOptions): ProgressDisplay =>
  options.output.isTTY === true ? createBar(options) : createLines(options);

const REDRAW_EVERY_MS = 100;
const CLEAR_LINE = '\r\u001b[K';

const createBar = ({ output, totalBytes, now }: ProgressOptions): ProgressDisplay => {
  let last: ImportProgress = { titles: 0, rejected: 0, bytesRead: 0 };
  let drawnAt = -Infinity;
  const draw = (share: number): void => {
    const text = ` ${percent(share)}  ${counts(last)}`;
    const width = Math.max(0, Math.min(40, (output.columns ?? 80) - text.length - 3));
    const filled = Math.round(width * share);
    output.write(`${CLEAR_LINE}[${'#'.repeat(filled)}${'.'.repeat(width - filled)}]${text}`);
    drawnAt = now();
  };
  return {
    show: (progress) => {
      last = progress;
      if (now() - drawnAt >= REDRAW_EVERY_MS) draw(shareOf(progress, totalBytes));
    },
    end: (complete) => {
      draw(complete ? 1 : shareOf(last, totalBytes));
      output.write('\n');
    },
  };
};

const createLines = ({ output, totalBytes }: ProgressOptions): ProgressDisplay => {
  let last: ImportProgress = { titles: 0, rejected: 0, bytesRead: 0 };
  let tenths = 0;
  const line = (share: number) => output.write(`${percent(share)}  ${counts(last)}\n`);
  return {
    show: (progress) => {
      last = progress;
      const share = shareOf(progress, totalBytes);
      // The last line is the end's.
      if (Math.floor(share * 10) <= tenths || share >= 1) return;
      tenths = Math.floor(share * 10);
      line(share);
    },
    end: (complete) => void line(complete ? 1 : shareOf(last, totalBytes)),
  };
};

const shareOf = ({ bytesRead }: ImportProgress, totalBytes: number): number =>
  totalBytes === 0 ? 0 : Math.min(1, bytesRead / totalBytes);

const percent = (share: number): string => `${Math.floor(share * 100)} %`.padStart(5);

const counts = ({ titles, rejected }: ImportProgress): string => {
  const shown = `${titles.toLocaleString('en')} titles`;
  return rejected === 0
    ? shown
    : `${shown}, ${rejected.toLocaleString('en')} ${rejected === 1 ? 'row' : 'rows'} rejected`;
};
