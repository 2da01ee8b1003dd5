import type { AppendsSeen } from '../log/appends-in-flight.js';

/** Limits what is stored at once: appends wait for the transaction that is under way. */
const EVENTS_PER_STEP = 32;
const EVENTS_BETWEEN_APPENDS = 8;
const PAUSE_MS = 10;
/** For how long appends that were seen are expected to go on. */
const RECENT_MS = 100;

/**
 * Returns a function that waits for the moment to begin a step, and says how many events the step may process. Where
 * appends come and go, it begins between two of them and is short, because the next one may have to wait for a
 * processor until it ends. Where they never cease, the pause is in vain, and a step of full size makes up for it.
 */
export const createStepPacing = (
  pause: (atMostMs: number) => AppendsSeen,
  now: () => number = () => performance.now(),
): (() => number) => {
  let sawAppendsAt = -Infinity;
  return () => {
    const seen = pause(PAUSE_MS);
    if (seen === 'throughout') return EVENTS_PER_STEP;
    if (seen === 'some') sawAppendsAt = now();
    return now() - sawAppendsAt > RECENT_MS ? EVENTS_PER_STEP : EVENTS_BETWEEN_APPENDS;
  };
};
