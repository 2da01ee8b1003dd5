import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { listRequest } from '../bench/support/http-request.js';
import { compiled } from '../bench/support/paths.js';
import { runCommandLine } from '../test/support/command-line.js';
import { eventually } from '../test/support/eventually.js';
import { type ServiceProcess, startServiceProcess } from '../test/support/service-process.js';
import { temporaryDirectory } from '../test/support/temporary-directory.js';
import { nothingSent, send, singlesAndBatches } from './support/load.js';

/**
 * Projections on the embedded event store: ours are deployed, EventStoreDB's official client creates one of its
 * own, the service is killed twice under load, and the audit compares documents, log and projections. Exits 1 on
 * any difference.
 */

const { values } = parseArgs({ options: { commands: { type: 'string', default: '50000' } } });
const total = Number(values.commands);
const ANIMES = Array.from({ length: 1000 }, (_, index) => index + 1);
const KILLS = 2;

const say = (step: string, data: object): void => console.log(JSON.stringify({ step, ...data }));

const portOf = (url: string): number => Number(new URL(url).port);

const directory = await temporaryDirectory();
const sent = nothingSent();
const next = singlesAndBatches(ANIMES);
let service: ServiceProcess = await startServiceProcess({ dataDir: directory.path });

const job = async (...args: string[]): Promise<string> => {
  const { code, output, errors } = await runCommandLine(args, {
    DATA_DIR: directory.path,
    NODE_ENV: 'test',
  });
  if (code === 0) return output;
  throw new Error(`${args.join(' ')} exited with ${code}: ${errors}${output}`);
};

const ownProjection = async (): Promise<object> => {
  const args = [compiled('scripts/own-projection.js'), service.eventStoreUrl];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const exit = once(child, 'exit') as Promise<[number]>;
  const output = await text(child.stdout);
  const [code] = await exit;
  if (code !== 0) throw new Error(`The client exited with ${code}.`);
  return JSON.parse(output) as object;
};

/** Sends commands until so many are acknowledged, then kills the service and starts it again. */
const killAfter = async (acknowledged: number, left: number): Promise<number> => {
  const load = send(portOf(service.commandUrl), next, left, sent);
  await eventually(
    () => {
      if (sent.acknowledged.length < acknowledged) throw new Error('The load is not there yet.');
    },
    { withinMs: 600_000 },
  );
  const [begun] = await Promise.all([load, service.end('SIGKILL')]);
  service = await startServiceProcess({ dataDir: directory.path });
  return begun;
};

try {
  const listing = ANIMES.map(listRequest);
  const list = () => ({ request: listing.shift() ?? listRequest(1), commands: 1 });
  await send(portOf(service.commandUrl), list, ANIMES.length, nothingSent());
  say('projections deployed', { deploy: (await job('projections', 'deploy')).trim().split('\n') });
  say("a client's own projection", await ownProjection());

  let left = total;
  for (let kill = 1; kill <= KILLS; kill += 1) {
    left -= await killAfter((total * kill) / (KILLS + 1), left);
    say('killed under load', { acknowledged: sent.acknowledged.length });
  }
  await send(portOf(service.commandUrl), next, left, sent);
  const { acknowledged, unanswered, statuses } = sent;
  say('load', { acknowledged: acknowledged.length, unanswered, statuses });

  say("the client's projection", await ownProjection());
  const status = await job('projections', 'status');
  say('projections', { status: status.trim().split('\n') });
  // Exits with 1 on a difference; what it could not compare in time is none.
  const audit = await job('audit');
  say('audit', { audit: audit.trim().split('\n') });
  const compared = /Projections: (\d+) of \1 anime equal, 0 differences, 0 not comparable/;
  const isEqual = compared.test(audit);
  console.log(isEqual ? 'EQUAL' : 'NOT EQUAL');
  process.exitCode = isEqual ? 0 : 1;
} finally {
  await service.end('SIGKILL');
  await directory.remove();
}
