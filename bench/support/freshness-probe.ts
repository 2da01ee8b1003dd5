import { createHistogram } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { query, send } from '../../test/support/http-client.js';

export interface FreshnessOptions {
  readonly commandUrl: () => string;
  readonly queryUrl: () => string;
  readonly animeId: () => number;
  readonly everyMs: number;
}

const STATS = `query Stats($animeId: Int!, $minRevision: String) {
  animeStats(animeId: $animeId, minRevision: $minRevision) { totalClicks }
}`;

/**
 * Asks, again and again, how long it takes from a command's 201 to an answer of the query API that
 * includes it. A query that gave up waiting is asked again: its time counts whole.
 */
export const startFreshnessProbe = (options: FreshnessOptions) => {
  const { commandUrl, queryUrl, animeId, everyMs } = options;
  const milliseconds = createHistogram();
  let failed = 0;
  let finished = false;

  const untilVisible = async (id: number, minRevision: unknown): Promise<void> => {
    while (!finished) {
      try {
        await query(queryUrl(), STATS, { animeId: id, minRevision });
        return;
      } catch {
        await delay(1);
      }
    }
  };

  const once = async (): Promise<void> => {
    const id = animeId();
    const click = { anime_id: id, user_id: 'probe' };
    const { status, body } = await send('POST', `${commandUrl()}/click`, click);
    if (status !== 201) throw new Error(`The command was answered ${status}.`);
    const startedAt = performance.now();
    await untilVisible(id, body['revision']);
    if (!finished) milliseconds.record(Math.max(1, Math.round(performance.now() - startedAt)));
  };

  const run = async (): Promise<void> => {
    while (!finished) {
      await once().catch(() => (failed += 1));
      await delay(everyMs);
    }
  };
  const running = run();

  return {
    finish: async () => {
      finished = true;
      await running;
      const at = (percentile: number) => milliseconds.percentile(percentile);
      const { count, max } = milliseconds;
      return { probes: count, unanswered: failed, p50Ms: at(50), p99Ms: at(99), maxMs: max };
    },
  };
};
