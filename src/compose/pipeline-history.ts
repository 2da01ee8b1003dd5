import { MINUTE_MS } from '../domain/times.js';
import type { MetricTotals } from '../platform/observability/totals.js';
import type { PipelineSample } from '../query-side/graphql/pipeline.js';

const SAMPLE_EVERY_MS = 10_000;
const KEPT_SAMPLES = 360;

interface Lag {
  readonly lagEvents: number | null;
  readonly lagSeconds: number | null;
}

/** Null: only another process counts it. */
export type KnownTotals = Readonly<Partial<Record<keyof MetricTotals, number | null>>>;

export interface PipelineHistory {
  /** Adds a sample; called every `sampleEveryMs`. */
  sample(): Promise<void>;
  readonly sampleEveryMs: number;
  samples(): readonly PipelineSample[];
  /** Per second, mean of the last minute, or since the start; null where the number is not known. */
  rate(name: keyof MetricTotals, totals: KnownTotals): number | null;
}

interface HistoryOptions {
  readonly totals: () => Promise<KnownTotals>;
  readonly lag: () => Promise<Lag>;
  readonly memoryBytes: () => number;
  readonly now: () => number;
  readonly monotonic: () => number;
}

/** One hour of samples, kept in memory. */
export const createPipelineHistory = (options: HistoryOptions): PipelineHistory => {
  const { totals, lag, memoryBytes, now, monotonic } = options;
  const samples: PipelineSample[] = [];
  /** The totals of the last minute, oldest first: enough to divide by. */
  const marks: { readonly at: number; readonly totals: KnownTotals }[] = [
    { at: monotonic(), totals: {} },
  ];

  const perSecond = (
    name: keyof MetricTotals,
    current: KnownTotals,
    mark: (typeof marks)[number] | undefined,
  ): number | null => {
    const total = current[name] ?? null;
    const seconds = mark === undefined ? 0 : (monotonic() - mark.at) / 1000;
    if (total === null || mark === undefined || seconds <= 0) return null;
    return (total - (mark.totals[name] ?? 0)) / seconds;
  };

  return {
    sampleEveryMs: SAMPLE_EVERY_MS,
    samples: () => samples,
    rate: (name, current) => perSecond(name, current, marks[0]),
    sample: async () => {
      const current = await totals();
      const last = marks.at(-1);
      samples.push({
        time: new Date(now()).toISOString(),
        commands: perSecond('commands', current, last),
        published: perSecond('published', current, last),
        documents: perSecond('documents', current, last),
        ...(await lag()),
        memoryBytes: memoryBytes(),
      });
      if (samples.length > KEPT_SAMPLES) samples.shift();
      marks.push({ at: monotonic(), totals: current });
      // The oldest mark that is kept is a minute old, or the start.
      while ((marks[1]?.at ?? Infinity) <= monotonic() - MINUTE_MS) marks.shift();
    },
  };
};
