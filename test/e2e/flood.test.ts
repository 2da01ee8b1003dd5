import { connect, type Socket } from 'node:net';
import { expect } from 'chai';
import { send } from '../support/http-client.js';
import { residentMegabytes } from '../support/resident-memory.js';
import { startServiceProcess, type ServiceProcess } from '../support/service-process.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const CLIENTS = 100;
const PIPELINE_BYTES = 60_000;
/** Long after the last of them could have been answered, were they all started at once. */
const LASTS_MS = 4000;

describe('a service whose clients pipeline requests and read no answer', function () {
  this.timeout(120_000);
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let service: ServiceProcess;

  before(async () => {
    directory = await temporaryDirectory();
    // What it would need otherwise does not fit in here.
    const environment = { NODE_OPTIONS: '--max-old-space-size=384', HOST: '127.0.0.1' };
    service = await startServiceProcess({ dataDir: directory.path, environment });
  });
  after(async () => {
    await service.end('SIGTERM');
    await directory.remove();
  });

  it('keeps its memory, and serves everybody else', async () => {
    const { commandUrl, pid } = service;
    await send('PUT', `${commandUrl}/animes/1`, { title: 'Flooded' });
    const others = async (): Promise<void> => {
      for (const path of ['/live', '/health', '/animes/1/events?limit=1']) {
        expect((await send('GET', `${commandUrl}${path}`)).status).to.equal(200);
      }
      const click = { anime_id: 1, user_id: 'one of the others' };
      expect((await send('POST', `${commandUrl}/click`, click)).status).to.equal(201);
    };
    // The first requests of a process cost it memory too.
    for (let count = 0; count < 50; count += 1) await others();
    const before = residentMegabytes(pid);

    const request = 'GET /animes/1/events?limit=1 HTTP/1.1\r\nHost: localhost\r\n\r\n';
    const pipeline = Buffer.alloc(PIPELINE_BYTES, request);
    const flood = Array.from({ length: CLIENTS }, (): Socket => {
      const socket = connect(Number(new URL(commandUrl).port), '127.0.0.1').pause();
      socket.on('error', () => undefined).write(pipeline);
      return socket;
    });
    let slowest = 0;
    let peak = before;
    const until = performance.now() + LASTS_MS;
    for (let now = performance.now(); now < until; now = performance.now()) {
      await others();
      slowest = Math.max(slowest, performance.now() - now);
      peak = Math.max(peak, residentMegabytes(pid));
    }
    for (const socket of flood) socket.destroy();
    expect(peak - before, 'megabytes more than before').to.be.below(150);
    expect(slowest, 'milliseconds for four requests of another client').to.be.below(LASTS_MS);
  });
});
