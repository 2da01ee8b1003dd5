import { join, resolve } from 'node:path';
import { EventStoreDBClient } from '@eventstore/db-client';
import { eventually } from '../../test/support/eventually.js';
import { freePort } from '../../test/support/free-port.js';
import { printTable } from './report.js';
import { interleaved, median, ratio } from './rounds.js';
import { listAnimes, settled, withService, type Service, type ServiceOptions } from './service.js';
import { steadyLoad } from './steady-load-process.js';

export interface CostOptions {
  /** The projections that are deployed. */
  readonly projections: readonly string[];
  readonly animes: number;
  readonly perSecond: number;
  readonly seconds: number;
  readonly rounds: number;
  /** The folder of another version, built. */
  readonly beside: string | undefined;
}

interface Cost {
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Milliseconds of processor time of a command. */
  readonly cpu: number;
}

interface Contestant {
  readonly name: string;
  readonly service: Service;
  readonly eventStorePort: number;
}

/** The service with and without projections, under the same load in turns, seen from a process of its own. */
export const projectionsCost = async (options: CostOptions) => {
  const { rounds } = options;
  const results = await withServices(contestantsOf(options.beside), async (contestants) => {
    for (const { service } of contestants) await listAnimes(service, options.animes);
    const contenders = contestants.map((contestant) => ({
      name: contestant.name,
      measure: (round: number) => underLoad(contestant, options, round),
    }));
    // The first round teaches the just-in-time compilers.
    for (const { measure } of contenders) await measure(-1);
    return interleaved(contenders, { rounds });
  });
  const of = (name: string, key: keyof Cost): number[] =>
    (results.get(name) ?? []).map((result) => result[key]);
  const costs = [...results.keys()].map((name) => ({
    name,
    p50: { median: median(of(name, 'p50Ms')), toOff: ratio(of(name, 'p50Ms'), of(OFF, 'p50Ms')) },
    p99: { median: median(of(name, 'p99Ms')), toOff: ratio(of(name, 'p99Ms'), of(OFF, 'p99Ms')) },
    cpu: { median: median(of(name, 'cpu')), toOff: ratio(of(name, 'cpu'), of(OFF, 'cpu')) },
  }));
  printTable(
    [
      'PROJECTIONS',
      'p50 ms',
      'x off',
      'p99 ms',
      'x off',
      'from',
      'to',
      'CPU ms a command',
      'x off',
    ],
    costs.map(({ name, p50, p99, cpu }) => [
      name,
      ...[p50.median, p50.toOff.median],
      ...[p99.median, p99.toOff.median, p99.toOff.lowest, p99.toOff.highest],
      ...[cpu.median, cpu.toOff.median],
    ]),
  );
  return costs;
};

const OFF = 'off';

const contestantsOf = (
  beside: string | undefined,
): readonly { readonly name: string; readonly options?: ServiceOptions }[] => {
  const ours = [{ name: OFF }, { name: 'on' }];
  if (beside === undefined) return ours;
  return [
    ...ours,
    { name: `on, ${beside}`, options: { main: join(resolve(beside), 'dist/src/main.js') } },
  ];
};

const withServices = async <T>(
  started: ReturnType<typeof contestantsOf>,
  use: (contestants: readonly Contestant[]) => Promise<T>,
  running: readonly Contestant[] = [],
): Promise<T> => {
  const [next, ...rest] = started;
  if (next === undefined) return use(running);
  const { name, options } = next;
  const eventStorePort = await freePort();
  const settings = {
    EVENTSTORE_PORT: String(eventStorePort),
    ...(name === OFF ? {} : { PROJECTIONS: 'on' }),
  };
  return withService(
    (service) => withServices(rest, use, [...running, { name, service, eventStorePort }]),
    settings,
    options,
  );
};

/** A machine that was at rest is slow for a moment. */
const WARM_UP_SECONDS = 2;

/** The next load begins once projections are done with this one. */
const underLoad = async (
  { name, service, eventStorePort }: Contestant,
  options: CostOptions,
  round: number,
): Promise<Cost> => {
  const { animes, perSecond, seconds } = options;
  const load = {
    port: service.commandPort,
    perSecond,
    animes: Array.from({ length: animes }, (_, index) => index + 1),
  };
  await steadyLoad({ ...load, seconds: WARM_UP_SECONDS, seed: -round - 2 });
  const before = await service.cpuSeconds();
  const { statuses, requests, p50Ms, p99Ms } = await steadyLoad({
    ...load,
    seconds,
    seed: round + 2,
  });
  await settled(service);
  const cpu = (((await service.cpuSeconds()) - before) * 1000) / requests;
  if (statuses[201] !== requests) {
    throw new Error(`Not every command was taken: ${JSON.stringify(statuses)}.`);
  }
  if (name !== OFF) await projectionsCaughtUp(eventStorePort, options.projections);
  return { p50Ms, p99Ms, cpu };
};

const projectionsCaughtUp = (port: number, names: readonly string[]): Promise<void> =>
  withClient(port, (client) =>
    eventually(
      async () => {
        for (const name of names) {
          const { status, progress } = await client.getProjectionStatus(name);
          if (status !== 'Running' || progress < 100) {
            throw new Error(`${name} is ${status} at ${progress} %.`);
          }
        }
      },
      { withinMs: 60_000, everyMs: 50 },
    ),
  );

const withClient = async (
  port: number,
  use: (client: EventStoreDBClient) => Promise<void>,
): Promise<void> => {
  const client = EventStoreDBClient.connectionString(`esdb://127.0.0.1:${port}?tls=false`);
  try {
    await use(client);
  } finally {
    await client.dispose();
  }
};
