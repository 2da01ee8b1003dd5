import { createHistogram } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { benchArguments } from './support/arguments.js';
import { openConnection } from './support/http-connection.js';
import { runLoad } from './support/http-load.js';
import { commandRequest, graphqlRequest } from './support/http-request.js';
import { preload } from './support/preload.js';
import { printHost, printJson, printTable } from './support/report.js';
import { interleaved, median } from './support/rounds.js';
import { settled, withService, type Service } from './support/service.js';
import { createWorkload } from './support/workload.js';

/**
 * From a command's 201 to the GraphQL answer that includes it, while half of what the service can
 * take comes in. The floor is the same query for a revision that is there already.
 */

const { quick, rounds, durationMs } = benchArguments();
const PROBE_EVERY_MS = 10;

const STATS = `query Stats($animeId: Int!, $minRevision: String) {
  animeStats(animeId: $animeId, minRevision: $minRevision) { totalClicks }
}`;

const probe = async (service: Service, seed: number, until: number) => {
  const commands = await openConnection(service.commandPort);
  const queries = await openConnection(service.queryPort);
  const next = createWorkload({ seed, popularity: 'zipf' });
  const visible = createHistogram();
  const floor = createHistogram();
  const timed = async (histogram: typeof visible, request: Buffer) => {
    const startedAt = performance.now();
    const { body } = await queries.send(request);
    histogram.record(Math.max(1, Math.round((performance.now() - startedAt) * 1000)));
    if (body.includes('"errors"')) throw new Error(`A query failed: ${body}`);
  };
  try {
    while (performance.now() < until) {
      const { animeId, userId } = next();
      const { body } = await commands.send(commandRequest({ kind: 'click', animeId, userId }));
      const { revision } = JSON.parse(body) as { revision: string };
      const request = graphqlRequest(STATS, { animeId, minRevision: revision });
      await timed(visible, request);
      await timed(floor, request);
      await delay(PROBE_EVERY_MS);
    }
  } finally {
    commands.close();
    queries.close();
  }
  const ms = (histogram: typeof visible, percentile: number) =>
    histogram.percentile(percentile) / 1000;
  return {
    probes: visible.count,
    p50Ms: ms(visible, 50),
    p99Ms: ms(visible, 99),
    floorP50Ms: ms(floor, 50),
    floorP99Ms: ms(floor, 99),
  };
};

const atLoad = (service: Service, perSecond: number) => async (round: number) => {
  const workload = createWorkload({ seed: round + 1, popularity: 'zipf' });
  const next = () => commandRequest(workload());
  const load = runLoad({ port: service.commandPort, next, durationMs, perSecond });
  const found = await probe(service, round + 1000, performance.now() + durationMs);
  const { perSecond: reached } = await load;
  await settled(service);
  return { ...found, commandsPerSecond: reached };
};

const measure = async (service: Service) => {
  await preload(service, quick ? 1_000 : 10_000);
  const workload = createWorkload({ seed: 0, popularity: 'zipf' });
  const next = () => commandRequest(workload());
  const { perSecond } = await runLoad({ port: service.commandPort, next, durationMs });
  await settled(service);
  return interleaved(
    [
      { name: 'half load', measure: atLoad(service, perSecond / 2) },
      { name: 'a tenth', measure: atLoad(service, perSecond / 10) },
    ],
    { rounds },
  );
};

printHost();
const results = await withService(measure);
const rows = [...results].map(([name, found]) => ({
  name,
  commandsPerSecond: median(found.map((result) => result.commandsPerSecond)),
  probes: found.reduce((sum, { probes }) => sum + probes, 0),
  p50Ms: median(found.map((result) => result.p50Ms)),
  p99Ms: median(found.map((result) => result.p99Ms)),
  floorP50Ms: median(found.map((result) => result.floorP50Ms)),
  floorP99Ms: median(found.map((result) => result.floorP99Ms)),
}));
printTable(
  [
    'load',
    'commands/s',
    'probes',
    '201 to visible p50 ms',
    'p99 ms',
    'query alone p50 ms',
    'p99 ms',
  ],
  rows.map((row) => [
    row.name,
    Math.round(row.commandsPerSecond),
    ...[row.probes, row.p50Ms, row.p99Ms, row.floorP50Ms, row.floorP99Ms],
  ]),
);
printJson('freshness', { quick, rounds, rows });
