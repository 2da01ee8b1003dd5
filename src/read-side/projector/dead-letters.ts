import type { AnimeId } from '../../domain/ids.js';
import { streamOf } from '../../domain/stream-name.js';
import type { Metrics } from '../../platform/observability/metrics.js';
import type { DeadLetter, DeadLetters } from '../../ports/dead-letters.js';

export const deadLetter = (letter: Omit<DeadLetter, 'at'> & { at: Date }): DeadLetter => ({
  ...letter,
  at: letter.at.toISOString(),
});

export interface AddDeadLetterOptions {
  readonly deadLetters: DeadLetters;
  readonly metrics: Metrics;
  readonly now?: () => number;
}

/** Lists an event of an anime's stream that was not applied; its data stay where they are, in the log. */
export type AddDeadLetter = (animeId: AnimeId, revision: number, reason: string) => Promise<void>;

export const createAddDeadLetter =
  ({ deadLetters, metrics, now = Date.now }: AddDeadLetterOptions): AddDeadLetter =>
  async (animeId, revision, reason) => {
    const stream = streamOf(animeId);
    metrics.deadLetters.inc();
    await deadLetters.add(
      deadLetter({ stream, revision, source: stream, reason, value: null, at: new Date(now()) }),
    );
  };
