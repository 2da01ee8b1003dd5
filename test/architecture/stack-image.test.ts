import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { parseInvocation } from '../../src/cli/arguments.js';
import { PROBES } from '../../src/platform/http/http-app.js';
import { schema } from '../../src/platform/config/schema.js';
import { freePort } from '../support/free-port.js';
import { copiedFromRepository, readDockerfile, texts, type Stage } from '../support/dockerfile.js';

const parts = (text = ''): string[] => JSON.parse(text) as string[];

describe('the image', () => {
  let stages: readonly Stage[];
  const runtime = (): Stage => stages.at(-1) ?? expect.fail('there is no stage');
  const one = (name: string): string => {
    const [text, ...more] = texts(runtime(), name);
    expect(more).to.deep.equal([]);
    return text ?? expect.fail(`there is no ${name}`);
  };

  before(async () => {
    stages = await readDockerfile();
  });

  it('uses one version of Node, which the package allows', () => {
    const known = stages.map(({ name }) => name);
    const bases = stages.map(({ base }) => base).filter((base) => !known.includes(base));
    expect(bases).to.have.length(1);
    const [, major = ''] = /^node:(\d+)\.\d+\.\d+-bookworm-slim$/.exec(bases[0] ?? '') ?? [];
    expect(Number(major)).to.be.at.least(20);
  });

  it('copies only files that exist and are in the build context', async () => {
    const sent = (await readFile('.dockerignore', 'utf8')).split('\n').filter((line) => {
      return line !== '' && !line.startsWith('#');
    });
    expect(sent.shift()).to.equal('*');
    const copied = stages.flatMap(copiedFromRepository);
    expect(copied.filter((path) => !existsSync(path))).to.deep.equal([]);
    expect([...new Set(copied)]).to.have.members(sent.map((line) => line.replace(/^!/, '')));
  });

  it('has no development dependency', () => {
    const [from] = texts(runtime(), 'COPY').filter((text) => text.includes('/node_modules'));
    expect(from).to.match(/^--from=dependencies /);
    const dependencies = stages.find(({ name }) => name === 'dependencies');
    expect(dependencies && texts(dependencies, 'RUN')).to.deep.equal(['npm ci --omit=dev']);
  });

  it('starts what the package calls its program', async () => {
    const manifest = JSON.parse(await readFile('package.json', 'utf8')) as {
      readonly bin: Readonly<Record<string, string>>;
    };
    expect(parts(one('ENTRYPOINT'))).to.deep.equal(['node', manifest.bin['anime-analytics']]);
    expect(parseInvocation(parts(one('CMD')))).to.include({ command: 'serve', role: 'all' });
  });

  it('does not run as root, and is stopped by the signal that drains it', () => {
    expect(one('USER')).to.equal('node');
    expect(one('STOPSIGNAL')).to.equal('SIGTERM');
  });

  it('sets only variables that are settings', () => {
    const names = one('ENV')
      .split(' ')
      .map((pair) => pair.split('=')[0]);
    expect([schema.env.env, schema.host.env, schema.dataDir.env]).to.have.members(names);
  });

  it('shows the ports of all roles', () => {
    const { commandPort, queryPort, bridgePort, projectorPort } = schema;
    const ports = [commandPort, queryPort, bridgePort, projectorPort].map((port) => port.default);
    expect(one('EXPOSE').split(' ').map(Number)).to.have.members(ports);
  });

  it('has a liveness check for every role', () => {
    const command = parts(one('HEALTHCHECK').split('CMD ')[1]);
    expect(command.slice(0, 2)).to.deep.equal(['node', 'docker/healthcheck.js']);
    expect(PROBES).to.include(command[2]);
  });
});

describe('the health check of the image', function () {
  this.timeout(30_000);
  const PORTS = ['COMMAND_PORT', 'QUERY_PORT', 'BRIDGE_PORT', 'PROJECTOR_PORT'] as const;
  const servers: Server[] = [];

  /** A server that answers /ready with this status and anything else with 404. */
  const serving = async (status: number): Promise<number> => {
    const server = createServer((request, response) => {
      response.statusCode = request.url === '/ready' ? status : 404;
      response.end();
    }).listen(0, '127.0.0.1');
    servers.push(server);
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  };

  const exitCode = async (
    open: Partial<Record<(typeof PORTS)[number], number>>,
  ): Promise<number> => {
    const environment: NodeJS.ProcessEnv = { PATH: process.env['PATH'], NODE_ENV: 'test' };
    for (const name of PORTS) environment[name] = String(open[name] ?? (await freePort()));
    return new Promise((resolve) => {
      const args = ['docker/healthcheck.js', '/ready'];
      const child = execFile(process.execPath, args, { env: environment });
      child.once('exit', (code) => resolve(code ?? -1));
    });
  };

  after(() => {
    for (const server of servers) server.close();
  });

  for (const name of PORTS) {
    it(`passes with a server on ${name} only`, async () => {
      expect(await exitCode({ [name]: await serving(200) })).to.equal(0);
    });
  }

  it('fails for a server that is not ready', async () => {
    expect(await exitCode({ PROJECTOR_PORT: await serving(503) })).to.equal(1);
  });

  it('fails when one of two servers is not ready', async () => {
    const open = { COMMAND_PORT: await serving(200), QUERY_PORT: await serving(503) };
    expect(await exitCode(open)).to.equal(1);
  });

  it('fails where nothing listens', async () => {
    expect(await exitCode({})).to.equal(1);
  });
});
