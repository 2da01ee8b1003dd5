import { setTimeout as delay } from 'node:timers/promises';

/** How long what a test waits for may take; mutation tests have less patience. */
const WITHIN_MS = Number(process.env['EVENTUALLY_WITHIN_MS'] ?? 5_000);

/** Tries until the assertion holds, or fails with its last error once the deadline has passed. */
export const eventually = async <T>(
  assertion: () => T | Promise<T>,
  { withinMs = WITHIN_MS, everyMs = 10 } = {},
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
