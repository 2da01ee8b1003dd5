import { benchArguments } from './support/arguments.js';
import { openDashboard } from './support/dashboard-client.js';
import { printHost, printJson, printTable } from './support/report.js';
import { interleaved, median, ratio } from './support/rounds.js';
import { listAnimes, settled, withService, type Service } from './support/service.js';
import { steadyLoad } from './support/steady-load-process.js';

/** What open dashboards cost the service, and those who send it 1,000 commands a second. */

const args = benchArguments();
const { quick } = args;
const rounds = quick ? 1 : Math.min(args.rounds, 3);
const SECONDS = quick ? 2 : 20;
const PER_SECOND = 1000;
const ANIMES = Array.from({ length: 1000 }, (_, index) => index + 1);

const underLoad = async (service: Service, dashboards: number, round: number) => {
  const open = Array.from({ length: dashboards }, () => openDashboard(service.queryPort));
  try {
    const before = await service.cpuSeconds();
    const load = await steadyLoad({
      port: service.commandPort,
      perSecond: PER_SECOND,
      seconds: SECONDS,
      animes: ANIMES,
      seed: round + 1,
    });
    const cpuSeconds = (await service.cpuSeconds()) - before;
    const acknowledged = load.statuses[201] ?? 0;
    if (acknowledged !== load.requests) {
      throw new Error(`Not every command was taken: ${JSON.stringify(load.statuses)}.`);
    }
    const received = open.map((dashboard) => dashboard.received());
    if (received.some(({ answers, messages }) => answers === 0 || messages === 0)) {
      throw new Error(`A dashboard received nothing: ${JSON.stringify(received)}.`);
    }
    return { ...load, cpu: (cpuSeconds / acknowledged) * 1000 };
  } finally {
    for (const dashboard of open) dashboard.close();
    await settled(service);
  }
};

printHost();
const results = await withService(async (service) => {
  await listAnimes(service, ANIMES.length);
  await underLoad(service, 1, -1);
  const contenders = [0, 5].map((dashboards) => ({
    name: `${dashboards} dashboards`,
    measure: (round: number) => underLoad(service, dashboards, round),
  }));
  return interleaved(contenders, { rounds });
});

type Result = Awaited<ReturnType<typeof underLoad>>;
const of = (name: string, value: (result: Result) => number): readonly number[] =>
  (results.get(name) ?? []).map(value);
const toNone = (name: string, value: (result: Result) => number) =>
  ratio(of(name, value), of('0 dashboards', value));
const rows = [...results.keys()].map((name) => ({
  name,
  perSecond: median(of(name, (r) => r.perSecond)),
  cpu: median(of(name, (r) => r.cpu)),
  cpuToNone: toNone(name, (r) => r.cpu),
  p50Ms: median(of(name, (r) => r.p50Ms)),
  p99Ms: median(of(name, (r) => r.p99Ms)),
  p99ToNone: toNone(name, (r) => r.p99Ms),
}));
printTable(
  ['open', 'commands/s', 'CPU s per 1,000', 'x none', 'p50 ms', 'p99 ms', 'x none'],
  rows.map(({ name, perSecond, cpu, cpuToNone, p50Ms, p99Ms, p99ToNone }) => [
    name,
    Math.round(perSecond),
    ...[cpu, cpuToNone.median, p50Ms, p99Ms, p99ToNone.median],
  ]),
);
printJson('dashboards', { quick, rounds, rows });
