import { readFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { benchArguments } from './support/arguments.js';
import { openConnection } from './support/http-connection.js';
import { runLoad, type LoadResult } from './support/http-load.js';
import { commandRequest, rawRequest } from './support/http-request.js';
import { compiled } from './support/paths.js';
import { preload } from './support/preload.js';
import { printHost, printJson, printTable } from './support/report.js';
import { interleaved, median, ratio } from './support/rounds.js';
import { startLimit } from './support/server-process.js';
import { withService, type Service } from './support/service.js';
import { createWorkload } from './support/workload.js';

/**
 * Many connections at once: 2,000 that each wait for an answer, beside a bare Express server, and
 * connections that send pipelined requests and read no answer, while others are served.
 */

const { quick, rounds, durationMs } = benchArguments();
const CONNECTIONS = quick ? 200 : 2000;
const FLOODS = quick ? [10] : [40, 100];
const LIVE = rawRequest('GET', '/live');
const FLOOD = Buffer.alloc(60_000, rawRequest('GET', '/animes/1/events?limit=1'));

const closedLoop = async (service: Service) => {
  const limit = await startLimit(compiled('bench/limits/l1-express.js'));
  const commands = (port: number) => (round: number) => {
    const workload = createWorkload({ seed: round, popularity: 'zipf' });
    const next = () => commandRequest(workload());
    return runLoad({ port, next, connections: CONNECTIONS, durationMs });
  };
  try {
    const contenders = [
      { name: 'L1', measure: commands(limit.port) },
      { name: 'commands', measure: commands(service.commandPort) },
    ];
    return await interleaved(contenders, { rounds });
  } finally {
    await limit.stop();
  }
};

/** Opens a connection for each request, as a client does that was not there before. */
const latency = async (port: number, request: Buffer): Promise<number> => {
  const startedAt = performance.now();
  const connection = await openConnection(port);
  const { status } = await connection.send(request);
  connection.close();
  if (status >= 300) throw new Error(`A request beside the flood was answered ${status}.`);
  return performance.now() - startedAt;
};

const residentMegabytes = async (pid: number): Promise<number> => {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
};

const flood = (port: number): Socket =>
  connect(port, '127.0.0.1', function (this: Socket) {
    this.write(FLOOD);
  })
    .on('error', () => undefined)
    .pause();

const underFlood = async (service: Service, sockets: number) => {
  const { pid, commandPort } = service;
  const click = commandRequest({ kind: 'click', animeId: 1, userId: 'flooded' });
  const before = await residentMegabytes(pid);
  const open = Array.from({ length: sockets }, () => flood(commandPort));
  const worst = { live: 0, health: 0, click: 0 };
  let peak = before;
  const sampling = setInterval(() => {
    void residentMegabytes(pid).then((now) => (peak = Math.max(peak, now)));
  }, 100);
  const until = performance.now() + (quick ? 1000 : 10_000);
  while (performance.now() < until) {
    const health = rawRequest('GET', '/health');
    worst.live = Math.max(worst.live, await latency(commandPort, LIVE));
    worst.health = Math.max(worst.health, await latency(commandPort, health));
    worst.click = Math.max(worst.click, await latency(commandPort, click));
    await delay(20);
  }
  clearInterval(sampling);
  for (const socket of open) socket.destroy();
  return { sockets, before, growth: peak - before, ...worst };
};

printHost();
const { results, floods } = await withService(async (service) => {
  // The first requests of a process cost it memory too.
  await preload(service, quick ? 500 : 5000);
  const floods = [];
  for (const sockets of FLOODS) floods.push(await underFlood(service, sockets));
  const results = await closedLoop(service);
  return { results, floods };
});

const of = (name: string, value: (result: LoadResult) => number): readonly number[] =>
  (results.get(name) ?? []).map(value);
const rows = ['L1', 'commands'].map((name) => ({
  name,
  perSecond: median(of(name, (r) => r.perSecond)),
  p50Ms: median(of(name, (r) => r.p50Ms)),
  p99Ms: median(of(name, (r) => r.p99Ms)),
  p99ToL1: ratio(
    of(name, (r) => r.p99Ms),
    of('L1', (r) => r.p99Ms),
  ),
}));
printTable(
  [`${CONNECTIONS} connections`, 'requests/s', 'p50 ms', 'p99 ms', 'x L1', 'lowest', 'highest'],
  rows.map(({ name, perSecond, p50Ms, p99Ms, p99ToL1 }) => [
    name,
    Math.round(perSecond),
    ...[p50Ms, p99Ms, p99ToL1.median, p99ToL1.lowest, p99ToL1.highest],
  ]),
);
printTable(
  ['flooding sockets', 'MB before', 'MB more', '/live ms', '/health ms', 'click ms'],
  floods.map(({ sockets, before, growth, live, health, click }) => [
    sockets,
    ...[before, growth, live, health, click],
  ]),
);
printJson('connections', { quick, rounds, rows, floods });
