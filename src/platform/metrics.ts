import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

interface BridgeLag {
  /** Whether the log's end was reached: before, nobody knows how much is left. */
  readonly caughtUp: boolean;
  readonly waitingEvents: number;
  readonly lagSeconds: number;
}

/** Everything that the service counts; one instance per process, or per test. */
export const createMetrics = (options: { readonly processMetrics: boolean }) => {
  const registry = new Registry();
  const registers = [registry];
  if (options.processMetrics) collectDefaultMetrics({ register: registry });
  return {
    registry,
    httpSeconds: new Histogram({
      name: 'http_request_duration_seconds',
      help: 'HTTP requests by method, route and status.',
      labelNames: ['method', 'route', 'status'] as const,
      buckets: SECONDS,
      registers,
    }),
    commands: new Counter({
      name: 'commands_total',
      help: 'Commands by type and outcome (accepted, unchanged, replayed, or the code of a refusal).',
      labelNames: ['type', 'outcome'] as const,
      registers,
    }),
    appendSeconds: new Histogram({
      name: 'append_duration_seconds',
      help: 'One append to the event store, with its retries.',
      buckets: SECONDS,
      registers,
    }),
    appendEvents: new Histogram({
      name: 'append_events',
      help: 'Events per append: how well commands of one anime are grouped.',
      buckets: [1, 2, 5, 10, 20, 50, 100, 200, 500],
      registers,
    }),
    appendConflicts: new Counter({
      name: 'append_conflicts_total',
      help: 'Appends that found the stream moved on by another process.',
      registers,
    }),
    appendRetries: new Counter({
      name: 'append_retries_total',
      help: 'Appends repeated with the same ids after an unknown outcome.',
      registers,
    }),
    bridgeForwarded: new Counter({
      name: 'bridge_events_forwarded_total',
      help: 'Events published to the bus.',
      registers,
    }),
    bridgeDrops: new Counter({
      name: 'bridge_subscription_drops_total',
      help: 'Subscriptions to the log that ended or stalled and were resumed.',
      registers,
    }),
    projectorApplied: new Counter({
      name: 'projector_events_applied_total',
      help: 'Events that changed a document.',
      registers,
    }),
    projectorDocuments: new Counter({
      name: 'projector_documents_saved_total',
      help: 'Documents sent to the read store, of all kinds.',
      registers,
    }),
    projectorDuplicates: new Counter({
      name: 'projector_duplicates_total',
      help: 'Events that the documents held already.',
      registers,
    }),
    projectorGaps: new Counter({
      name: 'projector_gaps_total',
      help: 'Holes in a stream as delivered, healed from the event store.',
      registers,
    }),
    projectorAlarms: new Counter({
      name: 'projector_alarms_total',
      help: 'What should never happen, by kind: another-log, parked.',
      labelNames: ['kind'] as const,
      registers,
    }),
    projectorWaiting: new Gauge({
      name: 'projector_waiting_records',
      help: 'Records of the bus behind the last batch that is in documents, by version and partition.',
      labelNames: ['version', 'partition'] as const,
      registers,
    }),
    projectorLagSeconds: new Gauge({
      name: 'projector_lag_seconds',
      help: 'Age of the newest event when its documents were saved.',
      registers,
    }),
    deadLetters: new Counter({
      name: 'dead_letters_total',
      help: 'Records that cannot be applied.',
      registers,
    }),
    graphqlRefused: new Counter({
      name: 'graphql_refused_total',
      help: 'GraphQL documents refused by a limit.',
      labelNames: ['limit'] as const,
      registers,
    }),
    /** Has the bridge of this process asked for its lag at every scrape. */
    followBridge: (status: () => BridgeLag): void => {
      new Gauge({
        name: 'bridge_caught_up',
        help: '1 once the bridge has come to the end of the log since it leads, else 0.',
        registers,
        collect() {
          this.set(status().caughtUp ? 1 : 0);
        },
      });
      new Gauge({
        name: 'bridge_waiting_events',
        help: 'Events read from the log and not yet taken by the bus.',
        registers,
        collect() {
          this.set(status().waitingEvents);
        },
      });
      new Gauge({
        name: 'bridge_lag_seconds',
        help: 'Age of the oldest event that was read from the log and not yet taken by the bus.',
        registers,
        collect() {
          this.set(status().lagSeconds);
        },
      });
    },
  };
};

export type Metrics = ReturnType<typeof createMetrics>;
