import { bodyOf, firstOf, type TrackedEntry } from './tracked.js';

/** What browsers send after a page is gone: all requests of the page together. */
export const AFTER_PAGE_BYTES = 64 * 1024;

/**
 * Gives the entries to the browser, which sends them although the page may be gone: the first ones,
 * as many as it takes. Returns their number. Other scripts of the page use the same allowance, so a
 * body that is not taken is halved.
 */
export const handOver = (
  entries: readonly TrackedEntry[],
  send: (body: string) => boolean,
): number => {
  let taken = 0;
  let bytes = AFTER_PAGE_BYTES;
  while (taken < entries.length) {
    const next = firstOf(entries.slice(taken), { bytes, entries: entries.length });
    const body = bodyOf(next);
    if (send(body)) taken += next.length;
    else if (next.length === 1) break;
    else bytes = Math.min(bytes, body.length) / 2;
  }
  return taken;
};
