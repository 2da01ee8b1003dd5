import { temporaryDirectory } from '../test/support/temporary-directory.js';
import { startEmbeddedNode } from '../test/support/embedded-node.js';
import { benchArguments } from './support/arguments.js';
import { runLoad, type LoadResult } from './support/http-load.js';
import { commandRequest } from './support/http-request.js';
import { printHost, printJson, printTable } from './support/report.js';
import { metricOf, scrape } from './support/scrape.js';
import { interleaved, median, ratio } from './support/rounds.js';
import { freePort } from '../test/support/free-port.js';
import { listAnimes, startCommandApi, type CommandApi } from './support/service.js';
import { createWorkload, type WorkloadOptions } from './support/workload.js';

/**
 * One, two and four command APIs on one event store: the same 64 connections spread over them. With
 * --alone they do not know of each other.
 */

const { rounds, durationMs, alone } = benchArguments();
const PROCESSES = [1, 2, 4];
const ANIMES = 1000;
const LOADS: readonly (readonly [string, Pick<WorkloadOptions, 'popularity' | 'animes'>])[] = [
  ['one anime', { popularity: 'hot' }],
  ['eight anime', { popularity: 'zipf', animes: 8 }],
  ['zipf', { popularity: 'zipf' }],
];

interface WritersResult extends LoadResult {
  readonly eventsPerAppend: number;
  readonly conflictsPerAppend: number;
}

/** Each group has anime of its own: what another wrote would not be in its caches. */
const contender = (
  apis: readonly CommandApi[],
  load: Pick<WorkloadOptions, 'popularity' | 'animes'>,
  firstAnime: number,
) => {
  const port = apis.map(({ commandPort }) => commandPort);
  return async (round: number): Promise<WritersResult> => {
    const workload = createWorkload({ seed: round, ...load });
    const next = () => {
      const interaction = workload();
      return commandRequest({ ...interaction, animeId: firstAnime + interaction.animeId });
    };
    const before = await appendsOf(apis);
    const result = await runLoad({ port, next, durationMs });
    const after = await appendsOf(apis);
    const attempts = after.attempts - before.attempts;
    return {
      ...result,
      eventsPerAppend: (after.events - before.events) / attempts,
      conflictsPerAppend: (after.conflicts - before.conflicts) / attempts,
    };
  };
};

/** What the command APIs have appended so far, those appends included that met a conflict. */
const appendsOf = async (apis: readonly CommandApi[]) => {
  const texts = await Promise.all(
    apis.map(({ commandPort }) => scrape(`http://127.0.0.1:${commandPort}`)),
  );
  const sum = (name: string) =>
    texts.reduce((total, text) => total + metricOf(text, `anime_analytics_${name}`), 0);
  return {
    attempts: sum('append_events_count'),
    events: sum('append_events_sum'),
    conflicts: sum('append_conflicts_total'),
  };
};

/** So many command APIs that share commands. */
const startGroup = async (eventStoreUrl: string, count: number): Promise<CommandApi[]> => {
  const ports = await Promise.all(Array.from({ length: count }, freePort));
  const peers = ports.map((port) => `127.0.0.1:${port}`).join(',');
  const settingsOf = (port: number) =>
    count === 1 || alone
      ? {}
      : { PEERS: peers, PEER_PORT: String(port), PEER_KEY: 'a-key-of-this-benchmark' };
  return Promise.all(ports.map((port) => startCommandApi(eventStoreUrl, settingsOf(port))));
};

const measure = async (eventStoreUrl: string) => {
  const groups: CommandApi[][] = [];
  try {
    for (const count of PROCESSES) groups.push(await startGroup(eventStoreUrl, count));
    const [[first] = []] = groups;
    if (first !== undefined) await listAnimes(first, ANIMES * groups.length);
    const contenders = LOADS.flatMap(([name, load]) =>
      groups.map((group, index) => ({
        name: `${name}/${group.length}`,
        measure: contender(group, load, index * ANIMES),
      })),
    );
    // The first round teaches the just-in-time compilers.
    for (const { measure: warm } of contenders) await warm(0);
    return await interleaved(contenders, { rounds });
  } finally {
    await Promise.all(groups.flat().map((api) => api.stop()));
  }
};

printHost();
const directory = await temporaryDirectory();
const node = await startEmbeddedNode({ dataDir: directory.path });
const results = await measure(node.connectionString).finally(async () => {
  await node.stop();
  await directory.remove();
});

const rows = LOADS.flatMap(([name]) => {
  const of = (count: number, value: (result: WritersResult) => number) =>
    (results.get(`${name}/${count}`) ?? []).map(value);
  const toOne = (count: number, value: (result: WritersResult) => number) =>
    ratio(of(count, value), of(1, value)).median;
  return PROCESSES.map((count) => ({
    load: name,
    processes: count,
    perSecond: median(of(count, (result) => result.perSecond)),
    rateToOne: toOne(count, (result) => result.perSecond),
    p50Ms: median(of(count, (result) => result.p50Ms)),
    p99Ms: median(of(count, (result) => result.p99Ms)),
    p99ToOne: toOne(count, (result) => result.p99Ms),
    conflictPercent: median(
      of(count, ({ statuses, requests }) => ((statuses[409] ?? 0) / requests) * 100),
    ),
    eventsPerAppend: median(of(count, (result) => result.eventsPerAppend)),
    conflictsPerAppend: median(of(count, (result) => result.conflictsPerAppend)),
    others: of(count, ({ statuses, requests }) => {
      return requests - (statuses[201] ?? 0) - (statuses[409] ?? 0);
    }).reduce((sum, each) => sum + each, 0),
  }));
});

printTable(
  [
    'load',
    'processes',
    'commands/s',
    'x one',
    'p50 ms',
    'p99 ms',
    'x one',
    '409 %',
    'other',
    'events/append',
    'conflicts/append',
  ],
  rows.map((row) => [
    ...[row.load, row.processes, Math.round(row.perSecond), row.rateToOne],
    ...[row.p50Ms, row.p99Ms, row.p99ToOne, row.conflictPercent, row.others],
    ...[row.eventsPerAppend, row.conflictsPerAppend],
  ]),
);
printJson('writers', { rounds, rows });
