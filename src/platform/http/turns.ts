/** How long requests are started before the event loop goes on with all else. */
const TURN_MS = 10;
const MAX_PER_TURN = 32;

export interface Turns {
  /** Runs the task now or, where others wait, after them in a later turn of the event loop. */
  run(task: () => void): void;
  /** The same for a task that nobody but its own client waits for: one in each turn, at the end. */
  runLast(task: () => void): void;
  /** Makes the next turn a short one. */
  shorten(): void;
}

/**
 * Runs tasks in the order in which they come, some in each turn of the event loop. Node accepts one
 * connection in each turn: where a turn starts all requests that have come, those that hold many
 * connections keep everybody else waiting at the door.
 */
export const createTurns = (): Turns => {
  const waiting: (() => void)[] = [];
  const last: (() => void)[] = [];
  let endsAt = 0;
  let scheduled = false;
  let short = false;

  const begin = (): void => {
    endsAt = performance.now() + (short ? 0 : TURN_MS);
    short = false;
    scheduled = true;
    setImmediate(turn);
    // Each on its own, so that what it leaves for the end of a callback takes of the time as well.
    const more = Math.min(waiting.length, MAX_PER_TURN);
    for (let count = 1; count < more; count += 1) setImmediate(runNext);
    setImmediate(runOneOfTheLast);
  };
  const turn = (): void => {
    scheduled = false;
    if (waiting.length + last.length === 0) return;
    begin();
    waiting.shift()?.();
  };
  const runNext = (): void => {
    if (performance.now() < endsAt) waiting.shift()?.();
  };
  const runOneOfTheLast = (): void => last.shift()?.();

  return {
    run: (task) => {
      if (!scheduled) begin();
      if (waiting.length === 0 && performance.now() < endsAt) task();
      else waiting.push(task);
    },
    runLast: (task) => {
      last.push(task);
      if (!scheduled) begin();
    },
    shorten: () => (short = true),
  };
};
