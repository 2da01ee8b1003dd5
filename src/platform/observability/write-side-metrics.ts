import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** All names of our own metrics begin with it. */
export const METRIC_PREFIX = 'anime_analytics_';

/** Buckets of durations. */
export const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export type Registers = Registry[];

interface FollowedNumber {
  readonly help: string;
  readonly value: () => number | Promise<number>;
  readonly registers: Registers;
}

/** A gauge that asks for its number at every scrape. */
export const followNumber = (name: string, { help, value, registers }: FollowedNumber): void => {
  new Gauge({
    name,
    help,
    registers,
    async collect() {
      this.set(await value());
    },
  });
};

/** What the command side counts. */
export const commandMetrics = (registers: Registers) => ({
  commands: new Counter({
    name: `${METRIC_PREFIX}commands_total`,
    help: 'Commands by type and outcome (accepted, unchanged, replayed, or the code of a refusal).',
    labelNames: ['type', 'outcome'] as const,
    registers,
  }),
  commandPeers: new Gauge({
    name: `${METRIC_PREFIX}command_peers`,
    help: 'Other command APIs that this one shares commands with.',
    registers,
  }),
  commandsForwarded: new Counter({
    name: `${METRIC_PREFIX}commands_forwarded_total`,
    help: 'Commands sent to the command API that owns their anime, by outcome.',
    labelNames: ['outcome'] as const,
    registers,
  }),
  appendSeconds: new Histogram({
    name: `${METRIC_PREFIX}append_duration_seconds`,
    help: 'Duration of an append to the event store, retries included.',
    buckets: SECONDS,
    registers,
  }),
  appendEvents: new Histogram({
    name: `${METRIC_PREFIX}append_events`,
    help: 'Events per append: shows how well commands of one anime are batched.',
    buckets: [1, 2, 5, 10, 20, 50, 100, 200, 500],
    registers,
  }),
  appendConflicts: new Counter({
    name: `${METRIC_PREFIX}append_conflicts_total`,
    help: 'Appends refused because another process had written the stream.',
    registers,
  }),
  appendRetries: new Counter({
    name: `${METRIC_PREFIX}append_retries_total`,
    help: 'Appends repeated with the same ids after an unknown outcome.',
    registers,
  }),
  streamsRefused: new Gauge({
    name: `${METRIC_PREFIX}streams_refused`,
    help: 'Anime that refuse commands: an event cannot be read, or the history was truncated.',
    registers,
  }),
  /** For the embedded event store. */
  followEventLog: (bytes: () => Promise<number>): void =>
    followNumber(`${METRIC_PREFIX}event_log_bytes`, {
      help: 'Size of the embedded event log on disk.',
      value: bytes,
      registers,
    }),
});

/** Of the event store's projections; they are only set with PROJECTIONS=on or PROJECTIONS_WATCH. */
export const projectionMetrics = (registers: Registers) => ({
  projectionState: new Gauge({
    name: `${METRIC_PREFIX}projection_state`,
    help: '1 for the condition that a projection of the event store is in (running, stopped, faulted, changing, missing), else 0.',
    labelNames: ['projection', 'condition'] as const,
    registers,
  }),
  projectionProgress: new Gauge({
    name: `${METRIC_PREFIX}projection_progress_ratio`,
    help: 'How much of its source a projection of the event store has read, from 0 to 1.',
    labelNames: ['projection'] as const,
    registers,
  }),
  projectionLag: new Gauge({
    name: `${METRIC_PREFIX}projection_lag_seconds`,
    help: 'For how long a projection of the event store has not been seen at the end of its source; 0 if it is there.',
    labelNames: ['projection'] as const,
    registers,
  }),
  projectionFaults: new Counter({
    name: `${METRIC_PREFIX}projection_faults_total`,
    help: 'How often a projection of the event store was seen to become faulted.',
    labelNames: ['projection'] as const,
    registers,
  }),
});
