/** How long one turn starts requests before the event loop continues with other work. */
const TURN_MS = 10;
const MAX_PER_TURN = 32;

export interface Turns {
  /** Runs the task now or, if others wait, after them in a later turn of the event loop. */
  run(task: () => void): void;
  /** For pipelined requests: one per turn, after all others. */
  runLast(task: () => void): void;
  /** Makes the next turn a short one. */
  shorten(): void;
}

/**
 * Runs tasks in the order in which they come, some in each turn of the event loop. Node accepts one
 * connection per turn: if a turn started every pending request, clients with many connections would
 * delay new connections.
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
    // One callback each, so that their microtasks count towards the time of the turn.
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
