/** The progress of a task. */
export interface Progress {
  readonly task: string;
  readonly done: number;
  /** 0 where unknown. */
  readonly total: number;
  /** What is counted. */
  readonly unit: string;
  /** Shown instead of the two numbers. */
  readonly detail?: string;
}

/** The part of a stream that a progress display needs. */
export interface ProgressOutput {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export interface ProgressDisplay {
  readonly show: (progress: Progress) => void;
  /** Removes the line from a terminal, before other text and at the end. */
  readonly clear: () => void;
}

const REDRAW_EVERY_MS = 100;
const LINE_EVERY_MS = 5_000;
const CLEAR_LINE = '\r\u001b[K';
const BAR_WIDTH = 30;

/** Redraws one line on a terminal; elsewhere writes a line every few seconds, none for short work. */
export const createProgress = ({
  output,
  now = () => performance.now(),
}: {
  readonly output: ProgressOutput;
  /** Milliseconds of any clock. */
  readonly now?: () => number;
}): ProgressDisplay => {
  const isTerminal = output.isTTY === true;
  let first: { readonly task: string; readonly at: number; readonly done: number } | null = null;
  let shownAt = 0;
  let isDrawn = false;

  const show = (progress: Progress): void => {
    const at = now();
    if (first?.task !== progress.task) {
      first = { task: progress.task, at, done: progress.done };
      shownAt = isTerminal ? -Infinity : at;
    }
    if (at - shownAt < (isTerminal ? REDRAW_EVERY_MS : LINE_EVERY_MS)) return;
    shownAt = at;
    const text = progressText(progress, secondsLeft(progress, first, at));
    if (!isTerminal) return void output.write(`${text}\n`);
    isDrawn = true;
    output.write(`${CLEAR_LINE}${drawn(progress, text, columnsOf(output))}`);
  };

  const clear = (): void => {
    if (isDrawn) output.write(CLEAR_LINE);
    isDrawn = false;
  };
  return { show, clear };
};

/** Some terminals report 0 columns. */
const columnsOf = ({ columns = 0 }: ProgressOutput): number => (columns > 0 ? columns : 80);

/** The first moments do not predict the rest. */
const ESTIMATE_AFTER_MS = 500;

const secondsLeft = (
  { done, total }: Progress,
  first: { readonly at: number; readonly done: number },
  at: number,
): number | null => {
  if (at - first.at < ESTIMATE_AFTER_MS) return null;
  const perMs = (done - first.done) / (at - first.at);
  return done >= total || !(perMs > 0) ? null : Math.ceil((total - done) / perMs / 1000);
};

const shareOf = ({ done, total }: Progress): number =>
  total === 0 ? 0 : Math.min(1, done / total);

const progressText = (progress: Progress, left: number | null): string => {
  const { task, done, total, unit, detail } = progress;
  const amount = `${done.toLocaleString('en')} of ${total.toLocaleString('en')} ${unit}`;
  const eta = left === null ? '' : `, ${durationOf(left)} left`;
  return `${task}: ${Math.floor(shareOf(progress) * 100)} %, ${detail ?? amount}${eta}`;
};

const durationOf = (seconds: number): string =>
  seconds < 120 ? `${seconds} s` : `${Math.ceil(seconds / 60)} min`;

/** Narrower than the terminal: a full line would wrap. */
const drawn = (progress: Progress, text: string, columns: number): string => {
  const width = Math.min(BAR_WIDTH, columns - text.length - 4);
  if (width < 5) return text.slice(0, columns - 1);
  const filled = Math.round(width * shareOf(progress));
  return `[${'#'.repeat(filled)}${'.'.repeat(width - filled)}] ${text}`;
};
