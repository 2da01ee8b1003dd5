import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { compiled } from '../bench/support/paths.js';
import { listRequest } from '../bench/support/http-request.js';
import { createProgress } from '../src/platform/progress.js';
import { eventually } from '../test/support/eventually.js';
import { query } from '../test/support/http-client.js';
import { startServiceProcess, type ServiceProcess } from '../test/support/service-process.js';
import { temporaryDirectory } from '../test/support/temporary-directory.js';
import { nothingSent, send, singlesAndBatches, type Sent } from './support/load.js';
import { verify } from './support/verify.js';

/**
 * The whole story on this machine: a catalogue, a load over HTTP with EventStoreDB's own client
 * reading along, with --kill a kill -9 in the middle of it, and a comparison of every document with
 * a fold of the log. Exits 1 on any difference.
 */

const { values } = parseArgs({
  options: {
    catalog: { type: 'string' },
    commands: { type: 'string', default: '200000' },
    kill: { type: 'boolean', default: false },
  },
});
const total = Number(values.commands);
const ANIMES = 1000;

const progress = createProgress({ output: process.stderr });

/** Shows how much of the load is answered while `work` runs. */
const shown = async <T>(sent: Sent, work: Promise<T>): Promise<T> => {
  const show = (): void => {
    const done = sent.acknowledged.length + sent.unanswered;
    progress.show({ task: 'load', done, total, unit: 'commands' });
  };
  const timer = setInterval(show, 100);
  return await work.finally(() => {
    clearInterval(timer);
    progress.clear();
  });
};

const say = (what: string, data: Record<string, unknown>): void => {
  progress.clear();
  console.log(JSON.stringify({ step: what, ...data }));
};

const portOf = (url: string): number => Number(new URL(url).port);

/** The ids that the workload's ranks stand for. */
const fillCatalog = async (service: ServiceProcess, dataDir: string): Promise<number[]> => {
  const { catalog } = values;
  if (catalog === undefined) {
    const ids = Array.from({ length: ANIMES }, (_, index) => index + 1);
    const requests = ids.map(listRequest);
    const next = () => ({ request: requests.shift() ?? listRequest(1), commands: 1 });
    await send(portOf(service.commandUrl), next, ANIMES, nothingSent());
    return ids;
  }
  const startedAt = performance.now();
  const environment = { ...process.env, DATA_DIR: dataDir, NODE_ENV: 'test' };
  const args = [compiled('src/main.js'), 'import-catalog', catalog];
  const child = spawn(process.execPath, args, {
    env: environment,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const [code] = (await once(child, 'exit')) as [number];
  const seconds = Math.round(performance.now() - startedAt) / 1000;
  say('catalogue imported through the event store port', { exitCode: code, seconds });
  const lines = (await readFile(catalog, 'utf8')).split('\n');
  return lines
    .flatMap((line) => /^(\d+),/.exec(line)?.[1] ?? [])
    .map(Number)
    .slice(0, ANIMES);
};

const settled = (service: ServiceProcess): Promise<void> =>
  eventually(
    async () => {
      const { serviceInfo } = await query(service.queryUrl, '{ serviceInfo { lagEvents } }');
      if ((serviceInfo as { lagEvents: number | null }).lagEvents !== 0)
        throw new Error('The read side lags.');
    },
    { withinMs: 60_000 },
  );

const directory = await temporaryDirectory();
let service = await startServiceProcess({ dataDir: directory.path });
try {
  const ids = await fillCatalog(service, directory.path);
  const reader = spawn(process.execPath, [compiled('scripts/read-all.js'), service.eventStoreUrl], {
    stdio: 'inherit',
  });
  const readerEnds = once(reader, 'exit');
  const next = singlesAndBatches(ids);
  const sent = nothingSent();
  const startedAt = performance.now();
  let begun = 0;
  if (values.kill) {
    const half = shown(sent, send(portOf(service.commandUrl), next, total, sent));
    await eventually(
      () => {
        if (sent.acknowledged.length < total / 2) throw new Error('Half is not sent yet.');
      },
      { withinMs: 600_000 },
    );
    const [code] = await Promise.all([
      service.end('SIGKILL'),
      half.then((count) => (begun = count)),
    ]);
    say('killed', {
      exitCode: code,
      acknowledged: sent.acknowledged.length,
      unanswered: sent.unanswered,
    });
    const restartedAt = performance.now();
    service = await startServiceProcess({ dataDir: directory.path });
    say('ready again', { ms: Math.round(performance.now() - restartedAt) });
  }
  await shown(sent, send(portOf(service.commandUrl), next, total - begun, sent));
  const seconds = (performance.now() - startedAt) / 1000;
  const { statuses, unanswered, acknowledged } = sent;
  say('load', {
    seconds: Math.round(seconds),
    perSecond: Math.round(total / seconds),
    statuses,
    unanswered,
  });
  const settlingAt = performance.now();
  await settled(service);
  say('read side caught up', { ms: Math.round(performance.now() - settlingAt) });
  reader.kill('SIGTERM');
  await readerEnds;
  say('stopped', { exitCode: await service.end('SIGTERM') });
  const { comparison, ...log } = await verify(
    directory.path,
    acknowledged,
    ({ animes: done, total: of }) =>
      progress.show({ task: 'audit', done, total: of, unit: 'anime' }),
  );
  const { differences, behind, ...compared } = comparison;
  say('documents against a fold of the log', { ...compared, behind: behind.length });
  say('log', { acknowledged: acknowledged.length, ...log });
  if (differences.length > 0) console.log(differences[0]);
  const exact = comparison.equal && log.acknowledgedMissing === 0 && log.idsStoredTwice === 0;
  console.log(exact ? 'EXACT' : 'NOT EXACT');
  process.exitCode = exact ? 0 : 1;
} finally {
  await service.end('SIGKILL');
  await directory.remove();
}
