import { MINUTE_MS } from '../domain/rules.js';
import type { Metrics } from '../platform/observability/metrics.js';
import type { Offsets } from '../ports/event-bus.js';
import type { EventStore } from '../ports/event-store.js';
import type { ReadStore, VersionRecord } from '../ports/read-store.js';
import type { PipelineSample, PipelineState } from '../query-side/graphql/pipeline.js';
import type { ReadSide } from './read-side.js';
import { isOwn } from './versions.js';

/** Null instead of an answer that fails or takes too long. */
type NullIfFailed = <T>(answer: Promise<T>) => Promise<T | null>;

const STATES = {
  starting: 'starting',
  leading: 'publishing',
  standby: 'standing by',
  refusing: 'refusing',
  stopped: 'stopped',
} as const;

export const bridgeOf = async (
  { bridge, eventStore }: ReadSide,
  ask: NullIfFailed,
): Promise<PipelineState['bridge']> => {
  const { role, owner, position, caughtUp, waitingEvents, lagSeconds } = bridge.status();
  return {
    state: STATES[role],
    owner,
    checkpoint: position === null ? null : String(position.commit),
    head: (await ask(endOf(eventStore)))?.toString() ?? null,
    lagEvents: caughtUp ? waitingEvents : null,
    lagSeconds: caughtUp ? lagSeconds : null,
  };
};

/** The commit position of the last event; 0 where there is none. */
const endOf = async (eventStore: EventStore): Promise<bigint> => {
  const [last] = await eventStore.readAll({ direction: 'backwards', limit: 1 });
  return last?.position.commit ?? 0n;
};

interface Parts {
  readonly readStore: ReadStore;
  readonly readSide: ReadSide | null;
}

/** The versions of this log's read models, of other releases too. */
export const readModelsOf = async (
  parts: Parts,
  ask: NullIfFailed,
): Promise<PipelineState['readModels']> => {
  const versions = (await ask(parts.readStore.versions())) ?? [];
  return await Promise.all(versions.map((version) => progressOf(parts, version, ask)));
};

const progressOf = async (
  { readStore, readSide }: Parts,
  version: VersionRecord,
  ask: NullIfFailed,
): Promise<PipelineState['readModels'][number]> => {
  const { name, state } = version;
  const consumed = readSide?.projectors.partitions(name) ?? null;
  const unknown = { name, state, lagEvents: null, lagSeconds: null, progress: null };
  if (readSide === null || consumed === null || !isOwn(readStore, version)) {
    return { ...unknown, partitions: [] };
  }
  const offsets = await ask(readSide.bus.committed(consumed.group));
  const partitions = [...consumed.waiting].map(([partition, lagEvents]) => ({
    partition,
    lagEvents,
    offset: offsets?.get(partition)?.toString() ?? null,
  }));
  const { caughtUp, waitingEvents, lagSeconds } = readSide.bridge.status();
  const onTheBus = partitions.reduce((sum, { lagEvents }) => sum + lagEvents, 0);
  const lagEvents = caughtUp ? waitingEvents + onTheBus : null;
  return {
    ...unknown,
    lagEvents,
    lagSeconds: caughtUp && onTheBus === 0 ? lagSeconds : null,
    progress: lagEvents === 0 ? 1 : await ask(fractionOf(readSide, { offsets, name })),
    partitions,
  };
};

/** By offsets where the bus keeps records, else by positions in the log. */
const fractionOf = async (
  { bus, eventStore, readStore }: ReadSide,
  { offsets, name }: { readonly offsets: Offsets | null; readonly name: string },
): Promise<number | null> => {
  const ends = await bus.ends();
  if (ends !== null)
    return shareDone(sumOfOffsets(offsets ?? new Map<number, bigint>()), sumOfOffsets(ends));
  const [flushed, end] = await Promise.all([
    readStore.documents(name).flushed(),
    endOf(eventStore),
  ]);
  return shareDone(flushed?.commit ?? 0n, end);
};

const sumOfOffsets = (offsets: Offsets): bigint =>
  [...offsets.values()].reduce((sum, each) => sum + each, 0n);

const shareDone = (done: bigint, all: bigint): number =>
  all === 0n ? 1 : Math.min(1, Number(done) / Number(all));

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

/** What has happened since the process started, over all labels. */
export interface MetricTotals {
  readonly commands: number;
  readonly published: number;
  readonly documents: number;
  readonly queries: number;
  readonly conflicts: number;
  readonly duplicates: number;
  readonly gaps: number;
  readonly deadLetters: number;
  readonly alarms: number;
  /** Queries with errors in their response. */
  readonly errors: number;
}

interface MetricSample {
  readonly value: number;
  readonly labels: Readonly<Partial<Record<string, string | number>>>;
  readonly metricName?: string;
}

interface Readable {
  get(): Promise<{ readonly values: readonly MetricSample[] }>;
}

const sumOfMetric = async (
  metric: Readable,
  isCounted: (sample: MetricSample) => boolean = () => true,
) => {
  const { values } = await metric.get();
  return values.filter(isCounted).reduce((sum, { value }) => sum + value, 0);
};

/** A histogram has a sample per bucket beside the number of its observations. */
const isObservations = ({ metricName = '' }: MetricSample): boolean =>
  metricName.endsWith('_count');

/** The counters of `/metrics` as plain numbers. */
export const readTotals = async (metrics: Metrics): Promise<MetricTotals> => ({
  commands: await sumOfMetric(metrics.commands),
  published: await sumOfMetric(metrics.bridgeForwarded),
  documents: await sumOfMetric(metrics.projectorDocuments),
  queries: await sumOfMetric(metrics.graphqlSeconds, isObservations),
  conflicts: await sumOfMetric(metrics.appendConflicts),
  duplicates: await sumOfMetric(metrics.projectorDuplicates),
  gaps: await sumOfMetric(metrics.projectorGaps),
  deadLetters: await sumOfMetric(metrics.deadLetters),
  alarms: await sumOfMetric(metrics.projectorAlarms),
  errors: await sumOfMetric(
    metrics.graphqlSeconds,
    (sample) => isObservations(sample) && sample.labels['outcome'] === 'error',
  ),
});
