import { LRUCache } from 'lru-cache';
import type { AnimeId } from '../../domain/ids.js';

/** The streams that other processes write, too. */
export interface Contention {
  /** Whether another process wrote the stream lately: what is cached of it is likely to be behind. */
  expected(animeId: AnimeId): boolean;
  /** Another process wrote between our read and our append. */
  lost(animeId: AnimeId): void;
  /** Our append was the next. Returns how long to leave the stream to the others, in milliseconds. */
  won(animeId: AnimeId): number;
  /** A look at the stream's end: whether others had written. */
  looked(animeId: AnimeId, othersWrote: boolean): void;
}

/** After so many looks in a row at which nobody else had written, the stream is ours again. */
const QUIET_LOOKS = 5;

const MIN_YIELD_MS = 1;
const MAX_YIELD_MS = 20;

/** Streams that are remembered at once: a contended one is in use all the time. */
const REMEMBERED = 10_000;

/**
 * Fair turns without a lock or a leader. The loser of an append reads the stream's end and tries again
 * at once. The winner has no command left to append, so it waits a moment: without that it would win
 * with its next command again, one at a time, and the others would starve. Meanwhile its commands
 * collect into one larger append. The wait grows with each conflict and shrinks with each append that
 * met none: additive steps down, doubling up, as in Ethernet.
 */
export const createContention = (random: () => number = Math.random): Contention => {
  const streams = new LRUCache<AnimeId, { yieldMs: number; quiet: number }>({ max: REMEMBERED });
  return {
    expected: (animeId) => streams.has(animeId),
    lost: (animeId) => {
      const yieldMs = (streams.get(animeId)?.yieldMs ?? MIN_YIELD_MS / 2) * 2;
      streams.set(animeId, { yieldMs: Math.min(MAX_YIELD_MS, yieldMs), quiet: 0 });
    },
    won: (animeId) => {
      const stream = streams.get(animeId);
      if (stream === undefined) return 0;
      const { yieldMs } = stream;
      stream.yieldMs = Math.max(MIN_YIELD_MS, yieldMs * 0.8);
      return yieldMs * (0.5 + random());
    },
    looked: (animeId, othersWrote) => {
      const stream = streams.get(animeId);
      if (stream === undefined) return;
      stream.quiet = othersWrote ? 0 : stream.quiet + 1;
      if (stream.quiet >= QUIET_LOOKS) streams.delete(animeId);
    },
  };
};
