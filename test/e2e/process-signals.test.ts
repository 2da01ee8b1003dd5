import { expect } from 'chai';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { exchange } from '../support/http.js';
import { send } from '../support/http-client.js';
import { startServiceProcess, type ServiceProcess } from '../support/service-process.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const DEBUGGER = /Debugger listening on/;

describe('a service that gets a signal', function () {
  this.timeout(60_000);
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let service: ServiceProcess | undefined;

  beforeEach(async () => {
    directory = await temporaryDirectory();
    service = undefined;
  });
  afterEach(async () => {
    await service?.end('SIGKILL');
    await directory.remove();
  });

  const start = async (environment: NodeJS.ProcessEnv): Promise<ServiceProcess> => {
    service = await startServiceProcess({ dataDir: directory.path, environment });
    return service;
  };

  const list = async ({ commandUrl }: ServiceProcess): Promise<void> => {
    const { status } = await send('PUT', `${commandUrl}/animes/1`, { title: 'Akira' });
    expect(status).to.equal(201);
  };

  /** A click over a connection that was not there before. */
  const clickAnew = ({ commandUrl }: ServiceProcess): Promise<string> => {
    const body = '{"anime_id":1,"user_id":"a"}';
    const head = `POST /click HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json`;
    const request = `${head}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    return exchange(Number(new URL(commandUrl).port), request);
  };

  const secondsToEnd = async (running: ServiceProcess, signal: NodeJS.Signals) => {
    const since = performance.now();
    expect(await running.end(signal)).to.equal(0);
    return (performance.now() - since) / 1000;
  };

  it('drains and exits with 0 after SIGHUP', async () => {
    const running = await start({});
    await list(running);
    expect(await secondsToEnd(running, 'SIGHUP')).to.be.lessThan(10);
  });

  it('accepts requests for SHUTDOWN_GRACE_MS after SIGTERM, not ready, and exits with 0', async () => {
    const running = await start({ SHUTDOWN_GRACE_MS: '2000' });
    await list(running);
    const ended = secondsToEnd(running, 'SIGTERM');
    const ready = async (url: string) => (await fetch(new URL('/ready', url))).status;
    for (const url of [running.commandUrl, running.queryUrl]) {
      await eventually(async () => expect(await ready(url)).to.equal(503));
    }
    expect(await clickAnew(running)).to.match(/^HTTP\/1\.1 201 /);
    expect(await ended).to.be.within(2, 10);
    expect(await clickAnew(running).catch(() => 'refused')).to.equal('refused');
  });

  it('does not wait for SHUTDOWN_GRACE_MS after SIGINT', async () => {
    const running = await start({ SHUTDOWN_GRACE_MS: '60000' });
    expect(await secondsToEnd(running, 'SIGINT')).to.be.lessThan(20);
  });

  it('opens no inspector for SIGUSR1 in production', async () => {
    const inspector = await freePort();
    const running = await start({
      NODE_ENV: 'production',
      NODE_OPTIONS: `--inspect-port=${inspector}`,
    });
    process.kill(running.pid, 'SIGUSR1');
    await list(running);
    expect(await clickAnew(running)).to.match(/^HTTP\/1\.1 201 /);
    const opened = await fetch(`http://127.0.0.1:${inspector}/json`).catch(() => 'refused');
    expect(opened).to.equal('refused');
    expect(await running.end('SIGTERM')).to.equal(0);
    expect(running.errors()).not.to.match(DEBUGGER);
  });

  it('opens the inspector for SIGUSR1 outside production', async () => {
    const inspector = await freePort();
    const running = await start({ NODE_OPTIONS: `--inspect-port=${inspector}` });
    process.kill(running.pid, 'SIGUSR1');
    await eventually(() => expect(running.errors()).to.match(DEBUGGER));
    expect((await fetch(`http://127.0.0.1:${inspector}/json`)).status).to.equal(200);
  });
});

describe('a service with KEEP_ALIVE_TIMEOUT_MS', function () {
  this.timeout(60_000);

  it('announces it on both APIs', async () => {
    const directory = await temporaryDirectory();
    const environment = { KEEP_ALIVE_TIMEOUT_MS: '7000' };
    const service = await startServiceProcess({ dataDir: directory.path, environment });
    try {
      for (const url of [service.commandUrl, service.queryUrl]) {
        const { headers } = await fetch(new URL('/live', url));
        expect(headers.get('keep-alive')).to.equal('timeout=7');
      }
    } finally {
      await service.end('SIGKILL');
      await directory.remove();
    }
  });
});
