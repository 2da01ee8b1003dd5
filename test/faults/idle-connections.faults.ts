import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { expect } from 'chai';
import { eventually } from '../support/eventually.js';
import { send } from '../support/http-client.js';
import { residentMegabytes } from '../support/resident-memory.js';
import { startServiceProcess, type ServiceProcess } from '../support/service-process.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

/** A port accepts 10,000 connections, and a quarter of them from one address. */
const CONNECTIONS = 9_900;
const ADDRESSES = 5;
const AT_ONCE = 300;
const REQUEST = 'GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n';

/** A connection that has had a response and may have further ones. */
const openIdle = (port: number, index: number): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const localAddress = `127.0.0.${1 + (index % ADDRESSES)}`;
    const socket = connect({ host: '127.0.0.1', port, localAddress });
    const refused = () => reject(new Error('The connection was closed without a response.'));
    socket.once('error', reject).once('close', refused);
    socket.once('data', () => resolve(socket));
    socket.write(REQUEST);
  });

const openAll = async (port: number): Promise<Socket[]> => {
  const sockets: Socket[] = [];
  while (sockets.length < CONNECTIONS) {
    const first = sockets.length;
    const next = Array.from({ length: AT_ONCE }, (_, index) => openIdle(port, first + index));
    sockets.push(...(await Promise.all(next)));
  }
  return sockets;
};

const mayOpen = (): number => {
  if (process.platform !== 'linux') return 0;
  return Number(execFileSync('sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' })) || Infinity;
};

describe('a service with 9,900 idle connections', function () {
  this.timeout(120_000);
  let directory: Awaited<ReturnType<typeof temporaryDirectory>> | undefined;
  let service: ServiceProcess | undefined;

  before(async function () {
    if (mayOpen() < CONNECTIONS + 1_000) {
      process.stdout.write('      skipped: it needs Linux and 10,900 open files (ulimit -Hn)\n');
      this.skip();
    }
    directory = await temporaryDirectory();
    const environment = { HOST: '127.0.0.1' };
    service = await startServiceProcess({ dataDir: directory.path, environment });
  });
  after(async () => {
    await service?.end('SIGTERM');
    await directory?.remove();
  });

  it('serves others at once, in memory that does not grow when they come again', async () => {
    const { commandUrl, pid } = service ?? expect.fail('The service does not run.');
    const openFiles = (): number => readdirSync(`/proc/${pid}/fd`).length;
    const port = Number(new URL(commandUrl).port);
    await send('PUT', `${commandUrl}/animes/1`, { title: 'Idle' });

    const slowestOfOthers = async (): Promise<number> => {
      let slowest = 0;
      for (let count = 0; count < 100; count += 1) {
        const startedAt = performance.now();
        const click = { anime_id: 1, user_id: `user-${count}` };
        expect((await send('POST', `${commandUrl}/click`, click)).status).to.equal(201);
        expect((await send('GET', `${commandUrl}/live`)).status).to.equal(200);
        slowest = Math.max(slowest, performance.now() - startedAt);
      }
      return slowest;
    };

    await slowestOfOthers();
    const before = residentMegabytes(pid);
    const megabytes: number[] = [];
    for (let wave = 0; wave < 3; wave += 1) {
      const sockets = await openAll(port);
      expect(await slowestOfOthers(), 'milliseconds of two requests').to.be.below(1_000);
      megabytes.push(residentMegabytes(pid));
      expect(sockets.filter(({ closed }) => closed)).to.have.length(0);
      // A reset leaves no port that has to wait before it is used again.
      for (const socket of sockets) socket.resetAndDestroy();
      await eventually(() => expect(openFiles()).to.be.below(AT_ONCE), { withinMs: 30_000 });
    }
    const [first = 0, , third = 0] = megabytes;
    process.stdout.write(`      ${[before, ...megabytes].map(Math.round).join(', ')} MB\n`);
    expect(first - before, 'megabytes of the connections').to.be.below(200);
    expect(third, 'megabytes at the third time').to.be.below(first * 1.25);
  });
});
