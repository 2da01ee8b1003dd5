import { once } from 'node:events';
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { askService } from '../../../src/jobs/socket-client.js';
import { serverDigests } from '../../../src/jobs/socket-protocol.js';
import type { JobServerOptions } from '../../../src/jobs/socket-server.js';
import { silentLogger } from '../../../src/platform/observability/logger.js';
import { jobSockets } from '../../support/job-sockets.js';
import { rejectionOf } from '../../support/rejection-of.js';

describe('the socket for jobs', () => {
  let sockets: Awaited<ReturnType<typeof jobSockets>>;

  beforeEach(async () => {
    sockets = await jobSockets();
  });
  afterEach(() => sockets.close());

  const open = async (perform: JobServerOptions['perform'], dataDir = sockets.directory) => {
    const socket = await sockets.open({ perform }, dataDir);
    const ask = (args: readonly string[], stop = new AbortController().signal) => {
      const printed: string[] = [];
      const done = askService(socket.path, args, {
        config: socket.config,
        logger: silentLogger(),
        stop,
        progress: () => undefined,
        print: (line: string) => void printed.push(line),
        report: () => undefined,
      });
      return { done, printed };
    };
    return { ...socket, ask };
  };

  /** A job that runs until it is stopped. */
  const endless = () => {
    let begin: (signal: AbortSignal) => void = () => undefined;
    const begun = new Promise<AbortSignal>((resolve) => (begin = resolve));
    const perform: JobServerOptions['perform'] = async (_, signal) => {
      begin(signal);
      if (!signal.aborted) await once(signal, 'abort');
      throw signal.reason;
    };
    return { perform, begun };
  };

  it('relays the output of a job and whether it succeeded', async () => {
    const { ask } = await open(({ command }, _, { print }) => {
      print(`${command} has run`);
      return Promise.resolve(false);
    });
    const { done, printed } = ask(['audit']);
    expect(await done).to.equal(false);
    expect(printed).to.deep.equal(['audit has run']);
  });

  it('can be opened only by its own user', async () => {
    const { path } = await open(() => Promise.resolve(true));
    expect((await stat(path)).mode & 0o777).to.equal(0o600);
    expect((await stat(dirname(path))).mode & 0o777).to.equal(0o700);
  });

  it('is in a temporary directory where the path of the data directory is too long', async () => {
    const long = join(sockets.directory, 'x'.repeat(120));
    await mkdir(long);
    const { path, ask } = await open(() => Promise.resolve(true), long);
    expect(path).not.to.contain(long);
    expect(await ask(['audit']).done).to.equal(true);
  });

  it('replaces the socket of a service that was killed', async () => {
    const left = join(sockets.directory, 'jobs', 'socket');
    await mkdir(dirname(left));
    await writeFile(left, '');
    const { path, ask } = await open(() => Promise.resolve(true));
    expect(path).to.equal(left);
    expect(await ask(['audit']).done).to.equal(true);
  });

  it('refuses malformed requests, and goes on', async () => {
    const { path, ask } = await open(() => Promise.resolve(true));
    for (const request of ['sing\n', '{"args":[1],"servers":{}}\n', 'null\n', '\n']) {
      const socket = connect(path);
      socket.write(request);
      expect(await text(socket), request).to.contain('The request cannot be read');
    }
    const flood = connect(path).on('error', () => undefined);
    flood.write('x'.repeat(300_000));
    expect(await text(flood)).to.contain('A line is longer than 262144 characters.');
    expect(await ask(['audit']).done).to.equal(true);
  });

  it('refuses a command that is no job', async () => {
    const { ask } = await open(() => Promise.resolve(true));
    expect(await rejectionOf(ask(['serve']).done))
      .to.have.property('message')
      .that.contains('serve is not a job for a running service.');
  });

  it('runs one job at a time that changes something, and read-only jobs beside it', async () => {
    const { perform, begun } = endless();
    const { ask } = await open((job, signal, output) =>
      job.command === 'audit' ? Promise.resolve(true) : perform(job, signal, output),
    );
    const stop = new AbortController();
    const first = rejectionOf(ask(['rebuild'], stop.signal).done);
    await begun;
    expect(await rejectionOf(ask(['dead-letters', 'replay']).done))
      .to.have.property('message')
      .that.contains('Another job that writes is running');
    expect(await ask(['audit']).done).to.equal(true);
    stop.abort();
    expect(await first).to.have.property('message', 'Stopped.');
  });

  it('ends the job of a client that disconnects', async () => {
    const { perform, begun } = endless();
    const { path, config } = await open(perform);
    const socket = connect(path);
    socket.write(`${JSON.stringify({ args: ['audit'], servers: serverDigests(config) })}\n`);
    const signal = await begun;
    socket.destroy();
    if (!signal.aborted) await once(signal, 'abort');
    expect(signal.aborted).to.equal(true);
  });

  it('ends jobs with a message when the service stops', async () => {
    const { perform, begun } = endless();
    const { ask, close } = await open(perform);
    const ended = rejectionOf(ask(['audit']).done);
    await begun;
    await close();
    expect(await ended)
      .to.have.property('message')
      .that.equals('The service is stopping: run the job again once it is back.');
  });
});
