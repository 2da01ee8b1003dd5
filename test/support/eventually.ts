import { setTimeout as delay } from 'node:timers/promises';

/** Tries until the assertion holds, or fails with its last error once the deadline has passed. */
export const eventually = async <T>(
  assertion: () => T | Promise<T>,
  { withinMs = 5000, everyMs = 10 } = {},
): Promise<T> => {
  const deadline = performance.now() + withinMs;
  for (;;) {
    try {
      return await assertion();
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
    await delay(everyMs);
  }
};
