import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { COMPOSE_FILE } from '../support/compose-file.js';
import { composeClient, type ComposeClient } from '../support/stack/compose-client.js';
import { NotHere } from '../support/stack/server.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

interface Resolved {
  readonly services: Readonly<
    Record<
      string,
      {
        readonly image: string;
        readonly environment: Readonly<Record<string, string | null>>;
        readonly ports?: readonly { readonly host_ip: string; readonly published: string }[];
        readonly volumes?: readonly { readonly type: string; readonly target: string }[];
      }
    >
  >;
}

describe('a Compose client', function () {
  this.timeout(300_000);
  let client: ComposeClient;
  const resolved = async (settings: NodeJS.ProcessEnv = {}) =>
    ((await client.config(COMPOSE_FILE, settings)) as Resolved).services;

  before(async function () {
    try {
      client = await composeClient();
    } catch (error) {
      const required = (process.env['REQUIRE_STACK'] ?? '').split(',').includes('compose');
      if (required || !(error instanceof NotHere)) throw error;
      process.stdout.write(`      skipped: ${error.message}\n`);
      this.skip();
    }
    process.stdout.write(`      asked: ${client.name}\n`);
  });

  it('accepts the stack without a warning, published on the loopback only', async () => {
    const services = await resolved();
    expect(Object.keys(services)).to.have.length(7);
    const ports = Object.values(services).flatMap((service) => service.ports ?? []);
    expect(ports.map((port) => port.host_ip)).to.deep.equal(ports.map(() => '127.0.0.1'));
    expect(ports.map((port) => port.published)).to.have.members([
      ...['8000', '8001', '2113', '9092', '27017'],
    ]);
  });

  it('starts Prometheus and Grafana too where the profile is chosen', async () => {
    const services = await resolved({ COMPOSE_PROFILES: 'monitoring' });
    expect(Object.keys(services)).to.have.length(9);
    const ports = [services['prometheus'], services['grafana']].flatMap((each) => each?.ports);
    expect(ports.map((port) => port?.published)).to.deep.equal(['9090', '3000']);
    expect(ports.map((port) => port?.host_ip)).to.deep.equal(['127.0.0.1', '127.0.0.1']);
  });

  it('passes a setting on where it is set, and only there', async () => {
    expect((await resolved())['bridge']?.environment['LOG_LEVEL'] ?? null).to.equal(null);
    const services = await resolved({ LOG_LEVEL: 'debug', NODE_ENV: 'production' });
    expect(services['bridge']?.environment).to.include({
      LOG_LEVEL: 'debug',
      NODE_ENV: 'production',
    });
  });

  it('accepts KurrentDB instead of EventStoreDB', async () => {
    const { eventstoredb } = await resolved({
      ESDB_IMAGE: 'kurrentplatform/kurrentdb:26.0',
      ESDB_DATA: '/var/lib/kurrentdb',
    });
    expect(eventstoredb?.image).to.equal('kurrentplatform/kurrentdb:26.0');
    expect(eventstoredb?.environment['EVENTSTORE_DB']).to.equal('/var/lib/kurrentdb');
    expect(eventstoredb?.volumes?.map(({ type, target }) => [type, target])).to.deep.equal([
      ['volume', '/var/lib/kurrentdb'],
    ]);
  });

  for (const [fault, wrong, right, message] of [
    ['a misspelt key', 'read_onyl: true', 'read_only: true', /read_onyl/],
    [
      'a volume that is not declared',
      '\n  happenings:\n',
      '\n  events:\n',
      /undefined volume events/,
    ],
    ['a start order after nobody', 'mango: {', 'mongodb: {', /mango/],
  ] as const) {
    it(`refuses ${fault}`, async () => {
      const folder = await temporaryDirectory();
      try {
        const file = join(folder.path, 'compose.yaml');
        const text = await readFile(COMPOSE_FILE, 'utf8');
        await writeFile(file, text.replace(right, wrong));
        const answer = client.config(file).then(
          () => 'taken',
          (error: unknown) => String(error),
        );
        expect(await answer).to.match(message);
      } finally {
        await folder.remove();
      }
    });
  }
});
