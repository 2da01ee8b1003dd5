import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from './logger.js';

export type DependencyStatus = 'healthy' | 'unhealthy';

/** Something that stands still until an operator has acted, while all the rest goes on. */
export interface StreamTrouble {
  readonly stream: string;
  readonly detail: string;
  readonly remedy: string;
}

export interface HealthReport {
  /** Degraded: it can serve, and a person is needed for what `problems` names. */
  readonly status: DependencyStatus | 'degraded';
  readonly service: string;
  readonly version: string;
  readonly dependencies: Readonly<Record<string, DependencyStatus>>;
  /** How many there are, and the first of them. Absent while there are none. */
  readonly problems?: Readonly<
    Record<string, { readonly count: number; readonly streams: readonly StreamTrouble[] }>
  >;
}

export interface Health {
  /** The check resolves when the dependency answers. */
  register(name: string, check: () => Promise<void>): void;
  /** What is listed does not make the service unready: other streams are served. */
  watch(name: string, list: () => readonly StreamTrouble[]): void;
  report(): Promise<HealthReport>;
  /** From now on not ready, until `started`. */
  starting(): void;
  started(): void;
  /** From now on not ready, so that load balancers send no more while what runs is finished. */
  stopping(): void;
  /** Neither starting nor stopping. */
  isServing(): boolean;
}

const SHOWN_STREAMS = 20;

/**
 * The state of everything this process depends on. A check that takes longer than `timeoutMs` has
 * failed, and an answer is reused for `cacheMs`: probing must not become a load of its own.
 */
export const createHealth = (options: {
  readonly service: string;
  readonly version: string;
  readonly logger: Logger;
  readonly timeoutMs?: number;
  readonly cacheMs?: number;
}): Health => {
  const { service, version, logger, timeoutMs = 2000, cacheMs = 1000 } = options;
  const checks = new Map<string, () => Promise<DependencyStatus>>();
  const watched = new Map<string, () => readonly StreamTrouble[]>();
  let starting = false;
  let stopping = false;

  const probe = (name: string, check: () => Promise<void>) => {
    let last: DependencyStatus | undefined;
    return async (): Promise<DependencyStatus> => {
      const failure = await failureOf(check, timeoutMs);
      const status = failure === undefined ? 'healthy' : 'unhealthy';
      if (status !== last && status === 'unhealthy') {
        logger.warn('Dependency unhealthy', { dependency: name, error: failure });
      } else if (status !== last && last !== undefined) {
        logger.info('Dependency healthy again', { dependency: name });
      }
      last = status;
      return status;
    };
  };

  return {
    register: (name, check) => void checks.set(name, reused(probe(name, check), cacheMs)),
    watch: (name, list) => void watched.set(name, list),
    report: async () => {
      const dependencies = Object.fromEntries(
        await Promise.all([...checks].map(async ([name, run]) => [name, await run()] as const)),
      );
      const healthy = Object.values(dependencies).every((status) => status === 'healthy');
      const found = [...watched]
        .map(([name, list]) => [name, list()] as const)
        .filter(([, streams]) => streams.length > 0);
      const best = found.length === 0 ? 'healthy' : 'degraded';
      const report = { service, version, dependencies };
      const status = healthy ? best : 'unhealthy';
      if (found.length === 0) return { status, ...report };
      const problems = found.map(([name, all]) => {
        const streams = all.slice(0, SHOWN_STREAMS);
        return [name, { count: all.length, streams }] as const;
      });
      return { status, ...report, problems: Object.fromEntries(problems) };
    },
    starting: () => void (starting = true),
    started: () => void (starting = false),
    stopping: () => void (stopping = true),
    isServing: () => !starting && !stopping,
  };
};

const failureOf = async (check: () => Promise<void>, timeoutMs: number): Promise<unknown> => {
  const timer = new AbortController();
  const late = delay(timeoutMs, undefined, { signal: timer.signal }).then(
    () => new Error(`no answer within ${timeoutMs} ms`),
    () => undefined,
  );
  const answer = Promise.resolve()
    .then(check)
    .then(
      () => undefined,
      (error: unknown) => error ?? new Error('check failed'),
    );
  const failure = await Promise.race([answer, late]);
  timer.abort();
  return failure;
};

/** Calls that come while one runs, or soon after it, share its answer. */
const reused = <T>(call: () => Promise<T>, forMs: number): (() => Promise<T>) => {
  let current: { readonly at: number; readonly answer: Promise<T> } | undefined;
  return () => {
    const now = performance.now();
    if (current === undefined || now - current.at > forMs) current = { at: now, answer: call() };
    return current.answer;
  };
};
