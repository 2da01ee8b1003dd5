import { PortError, UnavailableError } from '../../ports/errors.js';
import { within } from '../async/abort.js';
import type { Logger } from './logger.js';

type DependencyStatus = 'healthy' | 'unhealthy';

/** A stream that is stuck until an operator acts, while everything else goes on. */
export interface StreamTrouble {
  readonly stream: string;
  readonly detail: string;
  readonly remedy: string;
}

export interface HealthReport {
  /** Degraded: it can serve, and an operator must act on `problems` or on an unhealthy dependency. */
  readonly status: DependencyStatus | 'degraded';
  readonly service: string;
  readonly version: string;
  readonly dependencies: Readonly<Record<string, DependencyStatus>>;
  /** Their number and the first of them. Absent while there are none. */
  readonly problems?: Readonly<
    Record<string, { readonly count: number; readonly streams: readonly StreamTrouble[] }>
  >;
  /** Why a dependency is unhealthy, in our own words. Absent where nothing is known. */
  readonly reasons?: Readonly<Record<string, string>>;
}

interface Readiness {
  readonly ready: boolean;
  readonly reasons?: Readonly<Record<string, string>>;
}

interface HealthCheckOptions {
  /** False where an operator must see the failure, while requests can still be served. */
  readonly neededToServe?: boolean;
  /** True if most requests do not need it: a failure then degrades the service instead of failing it. */
  readonly onlyDegrades?: boolean;
}

export interface Health {
  /** The check resolves if the dependency is healthy. */
  register(name: string, check: () => Promise<void>, options?: HealthCheckOptions): void;
  /** Troubles in the list degrade the service but leave it ready: other streams are served. */
  watch(name: string, list: () => readonly StreamTrouble[]): void;
  report(): Promise<HealthReport>;
  /** Whether requests should be sent here. */
  readiness(): Promise<Readiness>;
  /** Not ready until `started`. */
  starting(): void;
  started(): void;
  /** Not ready from now on, so that load balancers send no more requests during the drain. */
  stopping(): void;
  /** Neither starting nor stopping. */
  isServing(): boolean;
  /** Resolves with the next `started`, or at once while nothing is starting. */
  untilStarted(): Promise<void>;
}

const SHOWN_STREAMS = 20;

/**
 * The health of this process's dependencies. A check fails after `timeoutMs`, and a result is reused for
 * `cacheMs`, so that probes put no load on the dependencies.
 */
export const createHealth = (options: {
  readonly service: string;
  readonly version: string;
  readonly logger: Logger;
  readonly timeoutMs?: number;
  readonly cacheMs?: number;
}): Health => {
  const { service, version, logger, timeoutMs = 2000, cacheMs = 1000 } = options;
  const checks = new Map<string, HealthCheck>();
  const watched = new Map<string, () => readonly StreamTrouble[]>();
  let starting = false;
  let stopping = false;
  const waitingForStart = new Set<() => void>();

  const probe = (name: string, check: () => Promise<void>) => {
    let last: DependencyStatus | undefined;
    return async (): Promise<Outcome> => {
      const failure = await checkFailure(check, timeoutMs);
      const status = failure === undefined ? 'healthy' : 'unhealthy';
      if (status !== last && status === 'unhealthy') {
        const detail =
          failure instanceof PortError ? { reason: failure.message } : { error: failure };
        logger.warn('Dependency unhealthy', { dependency: name, ...detail });
      } else if (status !== last && last !== undefined) {
        logger.info('Dependency healthy again', { dependency: name });
      }
      last = status;
      // Other errors may hold internals that must not be shown.
      return { status, reason: failure instanceof PortError ? failure.message : null };
    };
  };

  const outcomes = (wanted: (check: HealthCheck) => boolean = () => true) =>
    Promise.all(
      [...checks]
        .filter(([, check]) => wanted(check))
        .map(async ([name, { run, onlyDegrades }]) => ({ name, onlyDegrades, ...(await run()) })),
    );

  const isServing = (): boolean => !starting && !stopping;

  return {
    register: (name, check, { onlyDegrades = false, neededToServe = !onlyDegrades } = {}) =>
      void checks.set(name, {
        run: reused(probe(name, check), cacheMs),
        neededToServe,
        onlyDegrades,
      }),
    watch: (name, list) => void watched.set(name, list),
    report: async () => {
      const all = await outcomes();
      const dependencies = Object.fromEntries(all.map(({ name, status }) => [name, status]));
      const found = [...watched]
        .map(([name, list]) => [name, list()] as const)
        .filter(([, streams]) => streams.length > 0);
      const best = found.length === 0 && all.every(isHealthy) ? 'healthy' : 'degraded';
      const report = { service, version, dependencies, ...reasonsOf(all) };
      const status = all.every((one) => one.onlyDegrades || isHealthy(one)) ? best : 'unhealthy';
      if (found.length === 0) return { status, ...report };
      const problems = found.map(([name, each]) => {
        const streams = each.slice(0, SHOWN_STREAMS);
        return [name, { count: each.length, streams }] as const;
      });
      return { status, ...report, problems: Object.fromEntries(problems) };
    },
    readiness: async () => {
      const needed = await outcomes(({ neededToServe }) => neededToServe);
      return { ready: isServing() && needed.every(isHealthy), ...reasonsOf(needed) };
    },
    starting: () => void (starting = true),
    started: () => {
      starting = false;
      for (const resolve of waitingForStart) resolve();
      waitingForStart.clear();
    },
    stopping: () => void (stopping = true),
    isServing,
    untilStarted: () =>
      starting ? new Promise((resolve) => void waitingForStart.add(resolve)) : Promise.resolve(),
  };
};

interface Outcome {
  readonly status: DependencyStatus;
  readonly reason: string | null;
}

interface HealthCheck {
  readonly run: () => Promise<Outcome>;
  readonly neededToServe: boolean;
  readonly onlyDegrades: boolean;
}

const isHealthy = ({ status }: Outcome): boolean => status === 'healthy';

const reasonsOf = (outcomes: readonly (Outcome & { readonly name: string })[]) => {
  const known = outcomes.flatMap(({ name, reason }) => (reason === null ? [] : [[name, reason]]));
  return known.length === 0
    ? {}
    : { reasons: Object.fromEntries(known) as Readonly<Record<string, string>> };
};

const checkFailure = async (check: () => Promise<void>, timeoutMs: number): Promise<unknown> => {
  const late = () => new Error(`no answer within ${timeoutMs} ms`);
  try {
    await within(timeoutMs, Promise.resolve().then(check), late);
    return undefined;
  } catch (error) {
    return error ?? new Error('check failed');
  }
};

/** Calls during or soon after another call share its result. */
const reused = <T>(call: () => Promise<T>, forMs: number): (() => Promise<T>) => {
  let current: { readonly at: number; readonly answer: Promise<T> } | undefined;
  return () => {
    const now = performance.now();
    if (current === undefined || now - current.at > forMs) current = { at: now, answer: call() };
    return current.answer;
  };
};

/** The outcome of a health check: passes, or fails with the problem. */
export const assertHealthy = (fine: boolean, problem: string): Promise<void> =>
  fine ? Promise.resolve() : Promise.reject(new UnavailableError(problem));
