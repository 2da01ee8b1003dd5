import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { openConnection, type Answer, type Connection } from './http-connection.js';

export interface LoadOptions {
  /** Of one server, or of several that share the connections. */
  readonly port: number | readonly number[];
  readonly next: () => Buffer;
  readonly connections?: number;
  readonly durationMs: number;
  /** Starts so many requests a second, spread evenly; absent: each connection as fast as it can. */
  readonly perSecond?: number;
  readonly onAnswer?: (answer: Answer) => void;
  /**
   * A request that is sent on every connection and answered before the clock starts. Node accepts one
   * connection in a turn of its event loop: without this the last of 64 waits for two thousand requests
   * of the others, and short rounds show nothing but that.
   */
  readonly first?: Buffer;
}

export interface LoadResult {
  readonly requests: number;
  readonly seconds: number;
  readonly perSecond: number;
  readonly statuses: Readonly<Record<number, number>>;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Sends requests over so many connections, each waiting for its answer before the next one. */
export const runLoad = async (options: LoadOptions): Promise<LoadResult> => {
  const { connections = 64, durationMs } = options;
  const ports = [options.port].flat();
  const open = await Promise.all(
    Array.from({ length: connections }, (_, index) =>
      openConnection(ports[index % ports.length] ?? Number.NaN),
    ),
  );
  const { first } = options;
  if (first !== undefined) await Promise.all(open.map((connection) => connection.send(first)));
  const latencies = createHistogram();
  const statuses: Record<number, number> = {};
  const startedAt = performance.now();
  const due = pacer(startedAt, options.perSecond);
  const until = startedAt + durationMs;
  try {
    await Promise.all(
      open.map((connection) => drive(connection, { ...options, due, until, latencies, statuses })),
    );
  } finally {
    for (const connection of open) connection.close();
  }
  const seconds = (performance.now() - startedAt) / 1000;
  return {
    requests: latencies.count,
    seconds,
    perSecond: latencies.count / seconds,
    statuses,
    p50Ms: latencies.percentile(50) / 1000,
    p99Ms: latencies.percentile(99) / 1000,
  };
};

interface Drive extends Pick<LoadOptions, 'next' | 'onAnswer'> {
  readonly due: () => number;
  readonly until: number;
  readonly latencies: RecordableHistogram;
  readonly statuses: Record<number, number>;
}

const drive = async (connection: Connection, options: Drive): Promise<void> => {
  const { next, onAnswer, due, until, latencies, statuses } = options;
  for (;;) {
    const dueAt = due();
    if (dueAt >= until) return;
    const wait = dueAt - performance.now();
    if (wait > 0) await delay(wait);
    const request = next();
    const sentAt = performance.now();
    if (sentAt >= until) return;
    const answer = await connection.send(request);
    // From when it was due: a server that stalls must not hide the requests that it kept waiting.
    const from = dueAt === 0 ? sentAt : Math.min(dueAt, sentAt);
    latencies.record(Math.max(1, Math.round((performance.now() - from) * 1000)));
    statuses[answer.status] = (statuses[answer.status] ?? 0) + 1;
    onAnswer?.(answer);
  }
};

/** When the next request is due; 0 means at once. */
const pacer = (startedAt: number, perSecond: number | undefined): (() => number) => {
  if (perSecond === undefined) return () => 0;
  let started = 0;
  return () => startedAt + (started++ * 1000) / perSecond;
};

/** Sends each request once, over so many connections. Answers how often each status came. */
export const sendAll = async (
  port: number,
  requests: Iterable<Buffer>,
  connections = 64,
): Promise<Readonly<Record<number, number>>> => {
  const queue = requests[Symbol.iterator]();
  const statuses: Record<number, number> = {};
  const sendNext = async (): Promise<void> => {
    const connection = await openConnection(port);
    try {
      for (let next = queue.next(); next.done !== true; next = queue.next()) {
        const { status } = await connection.send(next.value);
        statuses[status] = (statuses[status] ?? 0) + 1;
      }
    } finally {
      connection.close();
    }
  };
  await Promise.all(Array.from({ length: connections }, sendNext));
  return statuses;
};
