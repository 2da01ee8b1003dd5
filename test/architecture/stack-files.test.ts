import { readFile } from 'node:fs/promises';
import { expect } from 'chai';
import { parseInvocation } from '../../src/cli/arguments.js';
import { ROLES, type Role } from '../../src/compose/roles.js';
import { refuseAnonymous, requireSharedServers } from '../../src/compose/roles.js';
import { ConfigError, loadConfig, type Config } from '../../src/platform/config/config.js';
import { schema } from '../../src/platform/config/schema.js';
import { PROBES } from '../../src/platform/http/http-app.js';
import {
  environmentOf,
  publishedPorts,
  readComposeFile,
  variablesInComposeFile,
  type ComposeFile,
  type ComposeService,
} from '../support/compose-file.js';

const OURS = ROLES.filter((role) => role !== 'all');
const SERVERS = ['eventstoredb', 'kafka', 'mongodb'];
const MONITORING = ['prometheus', 'grafana'];

/** The variable behind the address of each server, and the service that answers there. */
const ADDRESSES: Readonly<Record<string, string>> = {
  EVENTSTORE_URL: 'eventstoredb',
  KAFKA_BROKERS: 'kafka',
  MONGODB_URL: 'mongodb',
};

/** What a role serves more with, and is not to wait for. */
const USEFUL: Readonly<Record<string, readonly string[]>> = { 'query-api': ['EVENTSTORE_URL'] };

/** The port that a role published by the stack listens on. */
const PORT_OF: Readonly<Record<string, (config: Config) => number>> = {
  'command-api': (config) => config.commandPort,
  'query-api': (config) => config.queryPort,
};

const variablesOf = (node: object): string[] =>
  Object.entries(node).flatMap(([name, child]: [string, unknown]) => {
    if (name === 'env' && typeof child === 'string') return [child];
    return typeof child === 'object' && child !== null ? variablesOf(child) : [];
  });

/** What the role says it cannot do without when nothing is set. */
const neededBy = (role: Role): string[] => {
  try {
    requireSharedServers(role, loadConfig({}));
  } catch (error) {
    expect(error).to.be.instanceOf(ConfigError);
    return (error as Error).message.split(':')[0]?.split(', ') ?? [];
  }
  return [];
};

const seconds = (text: string): number => {
  expect(text).to.match(/^\d+s$/);
  return Number.parseInt(text, 10);
};

describe('the Compose stack', () => {
  let file: ComposeFile;
  const service = (name: string): ComposeService =>
    file.services[name] ?? expect.fail(`there is no service ${name}`);

  before(async () => {
    file = await readComposeFile();
  });

  it('is the four roles and the three servers', () => {
    const always = Object.entries(file.services).filter(([, { profiles }]) => !profiles);
    expect(always.map(([name]) => name)).to.have.members([...OURS, ...SERVERS]);
  });

  it('has Prometheus and Grafana under the profile monitoring', () => {
    const others = Object.entries(file.services).filter(([, { profiles }]) => profiles);
    expect(others.map(([name]) => name)).to.have.members(MONITORING);
    for (const [, { profiles }] of others) expect(profiles).to.deep.equal(['monitoring']);
  });

  it('has every variable explained in docs/stack.md', async () => {
    const page = await readFile('docs/stack.md', 'utf8');
    const handedOn = OURS.flatMap((role) =>
      Object.entries(service(role).environment).flatMap(([name, value]) =>
        value === null ? [name] : [],
      ),
    );
    const explained = [...page.matchAll(/`([A-Z_]+)`/g)].map(([, name]) => name);
    expect(explained).to.include.members([...(await variablesInComposeFile()), ...handedOn]);
  });

  it('has a dashboard whose page may send commands to the published command API', async () => {
    const settings = { QUERY_PORT: '9001', COMMAND_PORT: '9000' };
    const page = 'http://localhost:9001';
    const configOf = async (role: Role, outside: NodeJS.ProcessEnv) => {
      const { services } = await readComposeFile(outside);
      return loadConfig(environmentOf(services[role] ?? expect.fail(role), outside));
    };
    expect((await configOf('query-api', settings)).commandUrl).to.equal('http://localhost:9000');
    // Without a list, all origins are allowed outside production.
    expect((await configOf('command-api', settings)).corsOrigins).to.deep.equal(['*']);
    const listed = { ...settings, CORS_ORIGINS: 'https://front.example' };
    expect((await configOf('command-api', listed)).corsOrigins).to.include.members([
      'https://front.example',
      page,
    ]);
  });

  for (const role of OURS) {
    describe(role, () => {
      it('is started as that role', () => {
        const invocation = parseInvocation(service(role).command ?? []);
        expect(invocation).to.include({ command: 'serve', role });
      });

      it('has only settings that exist', () => {
        expect(variablesOf(schema)).to.include.members(Object.keys(service(role).environment));
      });

      it('starts with its settings, in production too', () => {
        const environment = environmentOf(service(role));
        expect(loadConfig(environment).host).to.equal('0.0.0.0');
        refuseAnonymous(loadConfig({ ...environment, NODE_ENV: 'production' }));
      });

      it('has the server addresses that it has a use for, and no other', () => {
        const given = Object.keys(ADDRESSES).filter((name) => name in service(role).environment);
        expect(given).to.have.members([...neededBy(role), ...(USEFUL[role] ?? [])]);
        expect(given).to.not.be.empty;
      });

      it('waits until the servers behind these addresses are healthy', () => {
        const { depends_on: awaited = {} } = service(role);
        const named = neededBy(role).map((name) => ADDRESSES[name]);
        expect(Object.keys(awaited)).to.have.members(named);
        for (const { condition } of Object.values(awaited)) {
          expect(condition).to.equal('service_healthy');
        }
      });

      it('runs unprivileged, and can write to /tmp only', () => {
        const container = service(role);
        expect(container.user).to.equal('node');
        expect(container.read_only).to.equal(true);
        expect(container.tmpfs).to.deep.equal(['/tmp:size=64m']);
        expect(container.volumes).to.equal(undefined);
        expect(container.cap_drop).to.deep.equal(['ALL']);
        expect(container.security_opt).to.deep.equal(['no-new-privileges:true']);
      });

      it('uses the image built here and never pulls one', () => {
        expect(service(role).pull_policy).to.equal('never');
        const built = OURS.map(service).filter(({ build }) => build !== undefined);
        expect(built.map(({ image }) => image)).to.deep.equal([service(role).image]);
      });

      it('has a grace period longer than its shutdown time-out', () => {
        const { shutdownTimeoutMs } = loadConfig(environmentOf(service(role)));
        const graceMs = seconds(service(role).stop_grace_period) * 1000;
        expect(graceMs).to.be.greaterThan(shutdownTimeoutMs);
        expect(service(role).init).to.equal(true);
      });

      it('is healthy when it is ready', () => {
        const [, ...command] = service(role).healthcheck.test ?? [];
        expect(command).to.deep.equal(['node', 'docker/healthcheck.js', '/ready']);
        expect(PROBES).to.include(command.at(-1));
      });

      it('publishes only the port that it serves', () => {
        const portOf = PORT_OF[role];
        const served =
          portOf === undefined ? [] : [portOf(loadConfig(environmentOf(service(role))))];
        expect(publishedPorts(service(role)).map(({ target }) => target)).to.deep.equal(served);
      });
    });
  }

  for (const name of [...OURS, ...SERVERS, ...MONITORING]) {
    describe(name, () => {
      it('is bounded in memory, processors, processes and logs', () => {
        const { limits } = service(name).deploy.resources;
        expect(limits).to.have.all.keys('cpus', 'memory', 'pids');
        expect(service(name).logging.options).to.have.all.keys('max-size', 'max-file');
      });

      it('restarts by itself', () => {
        expect(service(name).restart).to.equal('unless-stopped');
      });

      it('is checked often while it starts and rarely later', () => {
        const { start_interval, interval, start_period } = service(name).healthcheck;
        expect(seconds(String(start_interval))).to.be.lessThan(seconds(String(interval)));
        expect(seconds(String(start_period))).to.be.at.least(60);
      });

      it('is published on the loopback only, under the port that it has inside', () => {
        for (const { address, published, target } of publishedPorts(service(name))) {
          expect(address).to.equal('127.0.0.1');
          expect(published).to.equal(target);
        }
      });
    });
  }
});
