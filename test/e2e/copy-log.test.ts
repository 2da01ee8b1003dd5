import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { startEmbeddedNode, type EmbeddedNode } from '../support/embedded-node.js';
import { runCommandLine as run } from '../support/command-line.js';
import { send } from '../support/http-client.js';
import { startServiceProcess, type ServiceProcess } from '../support/service-process.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url));
const TEST = { NODE_ENV: 'test' };

interface CopyResult {
  readonly written: number;
  readonly different: readonly object[];
}

const resultIn = ({ output }: { readonly output: string }) => JSON.parse(output) as CopyResult;

describe('moving a log', function () {
  this.timeout(180_000);
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let service: ServiceProcess;
  let source: string;
  let target: string;
  let node: EmbeddedNode | undefined;

  beforeEach(async () => {
    directory = await temporaryDirectory();
    source = join(directory.path, 'source');
    target = join(directory.path, 'target');
    service = await startServiceProcess({
      dataDir: source,
      args: ['--sample-catalog', 'data/sample-catalog.csv'],
    });
    await interact();
  });
  afterEach(async () => {
    await service.end('SIGTERM');
    await node?.stop();
    node = undefined;
    await directory.remove();
  });

  const interact = async () => {
    const about = { anime_id: 1, user_id: 'user123' };
    const yesterday = new Date(Date.now() - 86_400_000).toISOString();
    await send('POST', `${service.commandUrl}/click`, { ...about, occurred_at: yesterday });
    await send('POST', `${service.commandUrl}/view`, { ...about, duration_seconds: 60 });
    await send('POST', `${service.commandUrl}/rating`, { ...about, rating: 8.5 });
  };
  const job = (dataDir: string, args: readonly string[], environment = {}) =>
    run(args, { ...TEST, DATA_DIR: dataDir, ...environment });
  const copy = (from: string, to: string) =>
    run(['copy-log', '--from', from, '--to', to, '--json'], TEST);

  /** Statistics are equal, and the documents that were built from the copy equal the copy. */
  const expectSameStatistics = async (environment: Record<string, string> = {}) => {
    const rebuilt = await job(target, ['rebuild'], environment);
    expect(rebuilt.code, rebuilt.errors + rebuilt.output).to.equal(0);
    await job(target, ['rebuild', 'promote'], environment);
    const audited = await job(target, ['audit'], environment);
    expect(audited.code, audited.output).to.equal(0);
    const statistics = ['export', '--statistics'];
    const copied = await job(target, statistics, environment);
    expect(copied.output).to.contain('"animeId":1,');
    expect(copied.output).to.equal((await job(source, statistics)).output);
  };

  it('copies beside a running service, then the rest, and the statistics of the copy are equal', async () => {
    const first = await copy(source, target);
    expect(first.code, first.errors).to.equal(0);
    await interact();
    await service.end('SIGTERM');
    const rest = await copy(source, target);
    expect(rest.code, rest.errors).to.equal(0);
    expect(resultIn(rest).written).to.equal(3);
    expect(resultIn(await copy(source, target))).to.deep.include({ written: 0, different: [] });
    await expectSameStatistics();
    expect((await job(target, ['verify'])).code).to.equal(0);
  });

  it('copies to a server, whose own times change no statistics, and back', async () => {
    node = await startEmbeddedNode({ dataDir: join(directory.path, 'node') });
    const there = await copy(source, node.connectionString);
    expect(there.code, there.errors).to.equal(0);
    const server = { EVENTSTORE_URL: node.connectionString };
    const other = await startServiceProcess({ dataDir: target, environment: server });
    await other.end('SIGTERM');
    await expectSameStatistics(server);
    const back = join(directory.path, 'back');
    const returned = await copy(node.connectionString, back);
    expect(returned.code, returned.errors).to.equal(0);
    const lines = async (dataDir: string) => eventsOf((await job(dataDir, ['export'])).output);
    await service.end('SIGTERM');
    expect(await lines(back)).to.deep.equal(await lines(source));
  });

  it('lets a service without a port copy its log itself', async () => {
    await service.end('SIGTERM');
    service = await startServiceProcess({
      dataDir: source,
      environment: { EVENTSTORE_PORT: '0' },
    });
    const copied = await copy(source, target);
    expect(copied.code, copied.errors).to.equal(0);
    expect(resultIn(copied).written).to.be.greaterThan(3);
    await expectSameStatistics();
  });

  it('is refused where a service has the target, or a place is none', async () => {
    const used = await copy(join(directory.path, 'absent'), target);
    expect(used.code).to.equal(2);
    expect(used.errors).to.contain('--from: there is no directory');
    const own = await run(['copy-log', '--from', service.eventStoreUrl, '--to', source], TEST);
    expect(own.code).to.equal(2);
    expect(own.errors).to.contain('--to: The data directory').and.contain('Stop it: nothing else');
    const address = await copy(source, 'esdb://user@:1');
    expect(address.errors).to.contain('--to: an address looks like esdb://');
    const same = await copy(source, source);
    expect(same.errors).to.contain('--to: a log cannot be copied to itself.');
    const lacking = await run(['copy-log', '--to', target], TEST);
    expect(lacking.errors).to.contain('copy-log needs --from');
    expect([address, same, lacking].map(({ code }) => code)).to.deep.equal([2, 2, 2]);
  });

  it('stops at Ctrl-C, also where the target does not answer', async () => {
    const silent = createServer();
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const to = `esdb://127.0.0.1:${port}?tls=false`;
    const child = spawn(process.execPath, [MAIN, 'copy-log', '--from', source, '--to', to], {
      env: { PATH: process.env['PATH'], ...TEST },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const exit = once(child, 'exit') as Promise<[number]>;
    const errors = text(child.stderr);
    const [connection] = (await once(silent, 'connection')) as [Socket];
    child.kill('SIGINT');
    expect((await exit)[0]).to.equal(1);
    expect(await errors).to.contain('Stopped.');
    connection.destroy();
    silent.close();
  });

  it('imports what was exported, and exports the same again', async () => {
    await service.end('SIGTERM');
    const exported = await job(source, ['export', '--system']);
    const file = join(directory.path, 'events.ndjson');
    await writeFile(file, exported.output);
    const imported = await job(target, ['import-events', file]);
    expect(imported.code, imported.errors).to.equal(0);
    const again = await job(target, ['export', '--system']);
    expect(eventsOf(again.output)).to.deep.equal(eventsOf(exported.output));
    await expectSameStatistics();
    const refused = await job(source, ['import-events', file]);
    expect(refused.errors).to.contain('The event store is not empty: import events into one');
    expect(refused.code).to.equal(1);
  });

  it('imports from standard input, and names the line that is no event', async () => {
    const piped = async (command: string) => {
      const child = spawn('bash', ['-c', command, process.execPath, MAIN, source], {
        env: { PATH: process.env['PATH'], DATA_DIR: target, ...TEST },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      const exit = once(child, 'exit') as Promise<[number]>;
      const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr)]);
      return { code: (await exit)[0], output, errors };
    };
    await service.end('SIGTERM');
    const broken = await piped(
      '(DATA_DIR="$2" "$0" "$1" export | head -5; echo "{") | "$0" "$1" import-events -',
    );
    expect(broken.errors).to.contain('standard input, line 6: this is no exported event');
    expect(broken.code).to.equal(2);
    const whole = await piped('DATA_DIR="$2" "$0" "$1" export | "$0" "$1" import-events - --json');
    expect(whole.code, whole.errors).to.equal(0);
    expect(resultIn(whole).different).to.deep.equal([]);
  });

  it('exports statistics as CSV, also through a running service', async () => {
    const beside = await job(source, ['export', '--statistics', '--format', 'csv']);
    const [columns, first] = beside.output.split('\n');
    expect(columns).to.equal(
      'animeId,title,status,clicks,views,seconds,ratings,averageRating,revision',
    );
    expect(first).to.match(/^1,.*,listed,1,1,60,1,8\.5,3$/);
    const mixed = await job(source, ['export', '--statistics', '--types', 'A']);
    expect(mixed.errors).to.contain('--types selects events, not statistics.');
  });
});

/** Exported lines, but for positions and for what names or concerns one log. */
const eventsOf = (output: string): object[] =>
  output
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter(({ stream }) => !OF_ONE_LOG.test(String(stream)))
    .map(({ position: _, ...event }) => event);

const OF_ONE_LOG = /^(\$\$)?(log-identity|log-copy-|bridge-checkpoint-|snapshot-anime-)/;
