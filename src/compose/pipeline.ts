import { effectiveSettings } from '../platform/config/help.js';
import { within } from '../platform/async/abort.js';
import { repeat } from '../platform/async/retry.js';
import type { HealthReport } from '../platform/observability/health.js';
import { VERSION } from '../platform/package.js';
import type { DeadLetter } from '../ports/dead-letters.js';
import { UnavailableError } from '../ports/errors.js';
import type { EventStore } from '../ports/event-store.js';
import type { ReadStore } from '../ports/read-store.js';
import type { PipelineSource, PipelineState } from '../query-side/graphql/pipeline.js';
import type { ServeDependencies } from './dependencies.js';
import {
  bridgeOf,
  createPipelineHistory,
  type KnownTotals,
  type MetricTotals,
  readModelsOf,
  readTotals,
} from './pipeline-progress.js';
import type { ReadSide } from './read-side.js';
import { eventStoreServer, kafkaServer, mongodbServer, type Server } from './servers.js';

export interface PipelineParts {
  readonly readStore: ReadStore;
  /** Null where another process runs the read side. */
  readonly readSide: ReadSide | null;
  /** Null where this process has none. */
  readonly eventStore: EventStore | null;
}

/** A slow server must not delay the rest of the answer. */
const SERVER_MS = 1_500;
const STATE_SHARED_FOR_MS = 500;
const LETTERS_SHARED_FOR_MS = 5_000;
const MAX_LETTERS_SHOWN = 1_000;

/** What a process without the read side counts itself. */
const OF_QUERIES: ReadonlySet<keyof MetricTotals> = new Set(['queries', 'errors']);

/** The query `pipeline`: collects what this process knows, and keeps an hour of samples. */
export const openPipeline = async (
  dependencies: ServeDependencies,
  { readStore, readSide, eventStore }: PipelineParts,
): Promise<PipelineSource> => {
  const { config, role, health, metrics, lifecycle, logger } = dependencies;
  const startedAt = Date.now() - performance.now();

  const totals = async (): Promise<KnownTotals> => {
    const all = Object.entries(await readTotals(metrics)) as [keyof MetricTotals, number][];
    const isKnown = (name: keyof MetricTotals) => readSide !== null || OF_QUERIES.has(name);
    return Object.fromEntries(all.map(([name, total]) => [name, isKnown(name) ? total : null]));
  };

  const lag = async () => {
    const bridge = readSide?.bridge.status();
    const active = bridge?.caughtUp === true ? await readStore.active() : null;
    const waiting = active === null ? null : (readSide?.projectors.waiting(active.name) ?? null);
    if (bridge === undefined || waiting === null) return { lagEvents: null, lagSeconds: null };
    return { lagEvents: bridge.waitingEvents + waiting, lagSeconds: bridge.lagSeconds };
  };

  const history = createPipelineHistory({
    totals,
    lag: () => nullIfFailed(lag()).then((known) => known ?? { lagEvents: null, lagSeconds: null }),
    memoryBytes: () => process.memoryUsage.rss(),
    now: Date.now,
    monotonic: () => performance.now(),
  });

  const state = async (): Promise<PipelineState> => {
    const [report, current, bridge, readModels, versions] = await Promise.all([
      health.report(),
      totals(),
      readSide === null ? null : bridgeOf(readSide, inTime),
      readModelsOf({ readStore, readSide }, inTime),
      serverVersionsOf({ readStore, eventStore }),
    ]);
    const rate = (name: keyof MetricTotals) => history.rate(name, current);
    const total = (name: keyof MetricTotals) => current[name] ?? null;
    return {
      status: report.status,
      version: VERSION,
      role,
      startedAt: new Date(startedAt).toISOString(),
      uptimeSeconds: (Date.now() - startedAt) / 1000,
      parts: healthPartsOf(report),
      servers: serversOf(dependencies, { readSide, eventStore, report, versions }),
      bridge,
      readModels,
      rates: {
        commands: rate('commands'),
        published: rate('published'),
        documents: rate('documents'),
        queries: rate('queries'),
      },
      counters: {
        conflicts: total('conflicts'),
        duplicates: total('duplicates'),
        gaps: total('gaps'),
        deadLetters: total('deadLetters'),
        alarms: total('alarms'),
        errors: total('errors'),
      },
    };
  };

  const sampling = new AbortController();
  let running: Promise<void> = Promise.resolve();
  await lifecycle.open(
    'pipeline samples',
    () => {
      const sample = () =>
        history.sample().catch((error: unknown) => {
          logger.warn('The pipeline could not be sampled', { error });
        });
      running = repeat(sample, history.sampleEveryMs, sampling.signal);
    },
    async () => {
      sampling.abort();
      await running;
    },
  );

  const shownAtAll = config.env !== 'production' || config.apiKeys.length > 0;
  return {
    state: shared(state, STATE_SHARED_FOR_MS),
    deadLetters:
      readSide === null
        ? null
        : shared(
            async () => (await readSide.deadLetters.list(MAX_LETTERS_SHOWN)).map(withoutValue),
            LETTERS_SHARED_FOR_MS,
          ),
    history: () => history.samples(),
    configuration: () => (shownAtAll ? effectiveSettings(config) : null),
  };
};

/** Values may be 64 KiB each. */
const withoutValue = ({ stream, revision, source, reason, at }: DeadLetter) => ({
  stream,
  revision,
  source,
  reason,
  at,
});

/** Calls during or soon after another call share its result; a failure is not kept. */
const shared = <T>(call: () => Promise<T>, forMs: number): (() => Promise<T>) => {
  let current: Promise<T> | undefined;
  let until = 0;
  return () => {
    if (current !== undefined && performance.now() < until) return current;
    const begun = call();
    until = Infinity;
    current = begun;
    begun.then(
      () => (until = performance.now() + forMs),
      () => (until = 0),
    );
    return begun;
  };
};

const inTime = <T>(answer: Promise<T>): Promise<T | null> =>
  nullIfFailed(
    within(SERVER_MS, answer, () => new UnavailableError(`No answer in ${SERVER_MS} ms.`)),
  );

/** What cannot be read for now is unknown; /health says why. */
const nullIfFailed = async <T>(answer: Promise<T>): Promise<T | null> => {
  try {
    return await answer;
  } catch {
    return null;
  }
};

const healthPartsOf = ({ dependencies, reasons = {}, problems = {} }: HealthReport) => [
  ...Object.entries(dependencies).map(([name, status]) => ({
    name,
    status,
    detail: reasons[name] ?? null,
  })),
  ...Object.entries(problems).map(([name, { count, streams }]) => {
    const [first] = streams;
    const more = count > 1 ? ` And ${count - 1} more: see /health.` : '';
    const detail = first && `${first.stream}: ${first.detail} ${first.remedy}${more}`;
    return { name, status: 'degraded' as const, detail: detail ?? null };
  }),
];

interface ServerVersions {
  readonly eventStore: string | null;
  readonly readStore: string | null;
}

const serverVersionsOf = async ({
  readStore,
  eventStore: log,
}: Pick<PipelineParts, 'readStore' | 'eventStore'>): Promise<ServerVersions> => {
  const ask = (question: (() => Promise<string>) | undefined) =>
    question === undefined ? null : inTime(question());
  const [eventStore, documents] = await Promise.all([
    ask(log?.serverVersion),
    ask(readStore.serverVersion),
  ]);
  return { eventStore, readStore: documents };
};

const serversOf = (
  { config }: Pick<ServeDependencies, 'config'>,
  known: Pick<PipelineParts, 'readSide' | 'eventStore'> & {
    readonly report: HealthReport;
    readonly versions: ServerVersions;
  },
): PipelineState['servers'] => {
  const { readSide, eventStore, report, versions } = known;
  const describe = (
    server: Server | null,
    embedded: { readonly name: string; readonly dependency: string },
    version: string | null,
  ) => ({
    name: server?.name ?? embedded.name,
    address: server?.at ?? 'embedded',
    version: server === null ? VERSION : version,
    status: report.dependencies[embedded.dependency] ?? ('healthy' as const),
  });
  const readStore = describe(
    mongodbServer(config),
    { name: 'Read store', dependency: 'read-store' },
    versions.readStore,
  );
  const log = describe(
    eventStoreServer(config),
    { name: 'Event store', dependency: 'event-store' },
    versions.eventStore,
  );
  if (readSide === null) return eventStore === null ? [readStore] : [log, readStore];
  return [
    log,
    describe(kafkaServer(config), { name: 'Bus', dependency: 'kafka' }, null),
    readStore,
  ];
};
