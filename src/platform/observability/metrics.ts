import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import { DROP_REASONS } from '../../ports/event-store.js';
import { VERSION } from '../package.js';
import {
  commandMetrics,
  followNumber,
  METRIC_PREFIX,
  projectionMetrics,
  type Registers,
  SECONDS,
} from './write-side-metrics.js';

interface BridgeLag {
  /** Whether the end of the log was reached; before, the lag is unknown. */
  readonly caughtUp: boolean;
  readonly waitingEvents: number;
  readonly lagSeconds: number;
}

/** The owner of a metric. A port shows only the metrics of the parts that it serves. */
export type MetricsPart = 'process' | 'command-api' | 'bridge' | 'projector' | 'query-api';

/** The metrics of one HTTP port. */
export interface PortMetrics {
  readonly httpSeconds: Histogram<'method' | 'route' | 'status'>;
  readonly contentType: string;
  /** In Prometheus' text format. */
  text(): Promise<string>;
}

/** Operation names are the clients' choice: beyond this many the rest share one series. */
const MAX_OPERATION_NAMES = 100;

export interface MetricsOptions {
  /** Event loop, memory and garbage collection, under prom-client's usual names. */
  readonly processMetrics: boolean;
  /** For `build_info`. */
  readonly role?: string;
}

/** All metrics of the service; one instance per process, or per test. */
export const createMetrics = ({ processMetrics, role = 'none' }: MetricsOptions) => {
  const registries: Readonly<Record<MetricsPart, Registry>> = {
    process: new Registry(),
    'command-api': new Registry(),
    bridge: new Registry(),
    projector: new Registry(),
    'query-api': new Registry(),
  };
  if (processMetrics) {
    collectDefaultMetrics({ register: registries.process });
    followNumber('nodejs_array_buffers_bytes', {
      help: 'Node.js memory of array buffers and Buffers, which is part of the external memory.',
      value: () => process.memoryUsage().arrayBuffers,
      registers: [registries.process],
    });
  }
  new Gauge({
    name: `${METRIC_PREFIX}build_info`,
    help: 'Always 1; the labels say which version runs in which role on which Node.',
    labelNames: ['version', 'role', 'node'] as const,
    registers: [registries.process],
  }).set({ version: VERSION, role, node: process.version }, 1);

  const openPorts = new Map<string, Registry[]>();

  return {
    ...projectionMetrics([registries.process]),
    ...commandMetrics([registries['command-api']]),
    ...bridgeMetrics([registries.bridge]),
    ...projectorMetrics([registries.projector]),
    ...queryMetrics([registries['query-api']]),
    deadLetters: new Counter({
      name: `${METRIC_PREFIX}dead_letters_total`,
      help: 'Events and records that cannot be applied.',
      registers: [registries.bridge, registries.projector],
    }),

    /** Asks for the health of each dependency at every scrape. */
    followDependencies: (ask: () => Promise<Readonly<Record<string, string>>>): void => {
      new Gauge({
        name: `${METRIC_PREFIX}dependency_healthy`,
        help: '1 if a dependency of this process is healthy, else 0: the dependencies of /health.',
        labelNames: ['dependency'] as const,
        registers: [registries.process],
        async collect() {
          for (const [dependency, status] of Object.entries(await ask())) {
            this.set({ dependency }, status === 'healthy' ? 1 : 0);
          }
        },
      });
    },

    followLog: (lostLines: () => number): void => {
      new Counter({
        name: `${METRIC_PREFIX}log_lines_lost_total`,
        help: 'Lines of the log that could not be written.',
        registers: [registries.process],
        collect() {
          this.reset();
          this.inc(lostLines());
        },
      });
    },

    /** The metrics of one HTTP port: its requests and the parts behind it. */
    port(parts: readonly MetricsPart[]): PortMetrics {
      const own = new Registry();
      const httpSeconds = new Histogram({
        name: `${METRIC_PREFIX}http_request_duration_seconds`,
        help: 'HTTP requests by method, route and status.',
        labelNames: ['method', 'route', 'status'] as const,
        buckets: SECONDS,
        registers: [own],
      });
      const shown = [...parts.map((part) => registries[part]), own];
      // A port that is opened for probes first and for requests later counts from then on.
      openPorts.set(parts.find((part) => part !== 'process') ?? 'process', shown);
      return {
        httpSeconds,
        contentType: own.contentType,
        // Merged for each scrape: gauges of a part may be added while the port is open.
        text: () => Registry.merge(shown).metrics(),
      };
    },

    /** What the HTTP ports show, for other ways to export it. A port has the name of its first role. */
    openPorts: () =>
      [...openPorts].map(([name, shown]) => ({
        name,
        read: () => Registry.merge(shown).getMetricsAsJSON(),
      })),
  };
};

export type Metrics = ReturnType<typeof createMetrics>;

const bridgeMetrics = (registers: Registers) => {
  let status = (): BridgeLag => ({ caughtUp: false, waitingEvents: 0, lagSeconds: 0 });
  followNumber(`${METRIC_PREFIX}bridge_caught_up`, {
    help: '1 once the leading bridge has reached the end of the log, else 0.',
    value: () => (status().caughtUp ? 1 : 0),
    registers,
  });
  followNumber(`${METRIC_PREFIX}bridge_waiting_events`, {
    help: 'Events read from the log and not yet acknowledged by the bus.',
    value: () => status().waitingEvents,
    registers,
  });
  followNumber(`${METRIC_PREFIX}bridge_lag_seconds`, {
    help: 'Age of the oldest event that was read from the log and not yet acknowledged by the bus.',
    value: () => status().lagSeconds,
    registers,
  });
  const bridgeDrops = new Counter({
    name: `${METRIC_PREFIX}bridge_subscription_drops_total`,
    help: `Subscriptions to the log that were dropped and resumed, by reason: ${DROP_REASONS.join(', ')}.`,
    labelNames: ['reason'] as const,
    registers,
  });
  // A series that appears at 1 shows no increase to an alert.
  for (const reason of DROP_REASONS) bridgeDrops.inc({ reason }, 0);
  return {
    bridgeDrops,
    bridgeForwarded: new Counter({
      name: `${METRIC_PREFIX}bridge_events_forwarded_total`,
      help: 'Events published to the bus.',
      registers,
    }),
    /** Reads the lag from this bridge at every scrape. */
    followBridge: (ask: () => BridgeLag): void => {
      status = ask;
    },
  };
};

const ALARM_KINDS = ['another-log', 'ahead-of-log', 'lost-record', 'quarantined'] as const;

const projectorMetrics = (registers: Registers) => ({
  projectorApplied: new Counter({
    name: `${METRIC_PREFIX}projector_events_applied_total`,
    help: 'Events that changed a document.',
    registers,
  }),
  projectorDocuments: new Counter({
    name: `${METRIC_PREFIX}projector_documents_saved_total`,
    help: 'Documents of all kinds saved to the read store.',
    registers,
  }),
  projectorDuplicates: new Counter({
    name: `${METRIC_PREFIX}projector_duplicates_total`,
    help: 'Events that the documents already included.',
    registers,
  }),
  projectorGaps: new Counter({
    name: `${METRIC_PREFIX}projector_gaps_total`,
    help: 'Gaps in delivered streams, filled from the event store.',
    registers,
  }),
  projectorAlarms: alarmCounter(registers),
  projectorWaiting: new Gauge({
    name: `${METRIC_PREFIX}projector_waiting_records`,
    help: 'Records on the bus that are not yet in the documents, by version and partition.',
    labelNames: ['version', 'partition'] as const,
    registers,
  }),
  projectorUnread: new Gauge({
    name: `${METRIC_PREFIX}projector_anime_with_unreadable_events`,
    help: 'Anime whose documents leave out events that cannot be read and are not ignored, by version.',
    labelNames: ['version'] as const,
    registers,
  }),
  projectorLagSeconds: new Gauge({
    name: `${METRIC_PREFIX}projector_lag_seconds`,
    help: 'Age of the newest event when its documents were saved, by version.',
    labelNames: ['version'] as const,
    registers,
  }),
  freshness: new Histogram({
    name: `${METRIC_PREFIX}read_model_freshness_seconds`,
    help: 'Time from recording an event until its documents can be read, by version: the oldest event of each anime in a save.',
    labelNames: ['version'] as const,
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300],
    registers,
  }),
});

const alarmCounter = (registers: Registers) => {
  const alarms = new Counter({
    name: `${METRIC_PREFIX}projector_alarms_total`,
    help: `Inconsistencies that should never happen, by kind: ${ALARM_KINDS.join(', ')}.`,
    labelNames: ['kind'] as const,
    registers,
  });
  for (const kind of ALARM_KINDS) alarms.inc({ kind }, 0);
  return alarms;
};

const queryMetrics = (registers: Registers) => {
  const names = new Set<string>();
  const seconds = new Histogram({
    name: `${METRIC_PREFIX}graphql_operation_duration_seconds`,
    help: `GraphQL operations by name and outcome (ok, error); after ${MAX_OPERATION_NAMES} names the rest are "other".`,
    labelNames: ['operation', 'outcome'] as const,
    buckets: SECONDS,
    registers,
  });
  return {
    graphqlSeconds: seconds,
    subscriptions: new Gauge({
      name: `${METRIC_PREFIX}graphql_subscriptions`,
      help: 'Open GraphQL subscriptions, by subscribed field.',
      labelNames: ['subscription'] as const,
      registers,
    }),
    subscriptionMessages: new Counter({
      name: `${METRIC_PREFIX}graphql_subscription_messages_total`,
      help: 'Messages sent to GraphQL subscriptions, by subscribed field.',
      labelNames: ['subscription'] as const,
      registers,
    }),
    graphqlRefused: new Counter({
      name: `${METRIC_PREFIX}graphql_refused_total`,
      help: 'GraphQL documents refused by a limit.',
      labelNames: ['limit'] as const,
      registers,
    }),
    /** Clients choose the name, so the number of series is limited. */
    graphqlAnswered(name: string | null, outcome: 'ok' | 'error', elapsedSeconds: number): void {
      const wanted = name === null ? 'anonymous' : name.slice(0, 64);
      if (names.size < MAX_OPERATION_NAMES) names.add(wanted);
      const operation = names.has(wanted) ? wanted : 'other';
      seconds.observe({ operation, outcome }, elapsedSeconds);
    },
    /** For the embedded read store. */
    followReadModels: (bytes: () => Promise<number>): void =>
      followNumber(`${METRIC_PREFIX}read_models_bytes`, {
        help: 'Size of the embedded read models on disk.',
        value: bytes,
        registers,
      }),
  };
};
