import { runInNewContext } from 'node:vm';
import { expect } from 'chai';
import { loadConfig } from '../../src/platform/config/config.js';
import {
  environmentOf,
  publishedPorts,
  readComposeFile,
  type ComposeFile,
  type ComposeService,
} from '../support/compose-file.js';

const SERVERS = ['eventstoredb', 'kafka', 'mongodb', 'prometheus', 'grafana'];

/** host:port of each listener, by its name. */
const listeners = (text = ''): ReadonlyMap<string, string> =>
  new Map(
    text.split(',').map((entry) => {
      const [name = '', address = ''] = entry.split('://');
      return [name, address];
    }),
  );

/** The named volumes of a service; what begins with a dot is a file of the repository. */
const volumesOf = ({ volumes = [] }: ComposeService): readonly string[] =>
  volumes.map((volume) => volume.split(':')[0] ?? '').filter((name) => !name.startsWith('.'));

const portOf = (address = ''): number => Number(address.split(':').at(-1));

/** Options that stop the server since version 24. */
const REMOVED = /EXT_TCP|INT_TCP|ENABLE_EXTERNAL_TCP|HTTP_PORT|EXT_IP|INT_IP/;

describe('the servers of the stack', () => {
  let file: ComposeFile;
  const service = (name: string): ComposeService =>
    file.services[name] ?? expect.fail(`there is no service ${name}`);
  const projector = () => loadConfig(environmentOf(service('projector')));

  before(async () => {
    file = await readComposeFile();
  });

  for (const name of SERVERS) {
    it(`${name} is pinned to a version`, () => {
      expect(service(name).image).to.match(/^[a-z/]+:v?\d+\.\d+\.\d+$/);
    });

    it(`${name} keeps its data in a named volume`, () => {
      const named = volumesOf(service(name));
      expect(named).to.not.be.empty;
      expect(Object.keys(file.volumes)).to.include.members(named);
    });

    it(`${name} is published`, () => {
      expect(publishedPorts(service(name))).to.have.length(1);
    });
  }

  it('share no volume', () => {
    const used = SERVERS.flatMap((name) => volumesOf(service(name)));
    expect(used).to.have.members(Object.keys(file.volumes));
    expect(new Set(used).size).to.equal(used.length);
  });

  describe('eventstoredb', () => {
    it('has the address that the roles use', () => {
      const { EVENTSTORE_NODE_PORT, EVENTSTORE_INSECURE } = environmentOf(service('eventstoredb'));
      const url = `esdb://eventstoredb:${EVENTSTORE_NODE_PORT ?? ''}?tls=false`;
      expect(projector().eventStore.url).to.equal(url);
      expect(EVENTSTORE_INSECURE).to.equal('true');
    });

    it('has none of the options that were removed', () => {
      const options = Object.keys(service('eventstoredb').environment);
      expect(options.filter((option) => REMOVED.test(option))).to.deep.equal([]);
      expect(options.every((option) => option.startsWith('EVENTSTORE_'))).to.equal(true);
    });

    it('runs projections and lets its UI browse streams', () => {
      expect(service('eventstoredb').environment).to.include({
        EVENTSTORE_RUN_PROJECTIONS: 'All',
        EVENTSTORE_ENABLE_ATOM_PUB_OVER_HTTP: 'true',
      });
    });

    it('starts no standard projection, and allows a projection a slow start', () => {
      expect(service('eventstoredb').environment).to.include({
        EVENTSTORE_START_STANDARD_PROJECTIONS: 'false',
        EVENTSTORE_PROJECTION_EXECUTION_TIMEOUT: '5000',
      });
    });

    for (const [product, settings] of [
      ['EventStoreDB', {}],
      [
        'KurrentDB',
        { ESDB_IMAGE: 'kurrentplatform/kurrentdb:26.0', ESDB_DATA: '/var/lib/kurrentdb' },
      ],
    ] as const) {
      it(`writes to its volume as ${product}`, async () => {
        const { eventstoredb } = (await readComposeFile(settings)).services;
        const target = eventstoredb?.volumes?.[0]?.split(':')[1];
        expect(target).to.equal(eventstoredb?.environment['EVENTSTORE_DB']);
      });
    }
  });

  describe('kafka', () => {
    const environment = (): Record<string, string> => environmentOf(service('kafka'));
    const listening = () => listeners(environment()['KAFKA_LISTENERS']);
    const advertised = () => listeners(environment()['KAFKA_ADVERTISED_LISTENERS']);

    it('has a protocol for every listener, and no other', () => {
      const map = (environment()['KAFKA_LISTENER_SECURITY_PROTOCOL_MAP'] ?? '').split(',');
      const protocols = map.map((entry) => entry.split(':'));
      expect(protocols.map(([name]) => name)).to.have.members([...listening().keys()]);
      expect(protocols.every(([, protocol]) => protocol === 'PLAINTEXT')).to.equal(true);
    });

    it('advertises every listener but the controllers’, under its own port', () => {
      const controllers = environment()['KAFKA_CONTROLLER_LISTENER_NAMES'];
      const names = [...listening().keys()].filter((name) => name !== controllers);
      expect([...advertised().keys()]).to.have.members(names);
      for (const [name, address] of advertised()) {
        expect(portOf(address), name).to.equal(portOf(listening().get(name)));
      }
    });

    it('advertises the address that the roles use', () => {
      const inside = environment()['KAFKA_INTER_BROKER_LISTENER_NAME'] ?? '';
      expect(projector().kafka.brokers).to.deep.equal([advertised().get(inside)]);
    });

    it('advertises the published port to this machine', () => {
      const [{ published, target } = { published: 0, target: 0 }] = publishedPorts(
        service('kafka'),
      );
      expect(advertised().get('PLAINTEXT_HOST')).to.equal(`localhost:${published}`);
      expect(portOf(listening().get('PLAINTEXT_HOST'))).to.equal(target);
    });

    it('advertises another port where another one is published', async () => {
      const { kafka } = (await readComposeFile({ KAFKA_PORT: '19999' })).services;
      expect(kafka?.environment['KAFKA_ADVERTISED_LISTENERS']).to.contain('localhost:19999,');
      expect(kafka?.ports).to.deep.equal(['127.0.0.1:19999:9092']);
    });

    it('is its own and only controller', () => {
      const controllers = environment()['KAFKA_CONTROLLER_LISTENER_NAMES'] ?? '';
      const port = portOf(listening().get(controllers));
      const voter = `${environment()['KAFKA_NODE_ID'] ?? ''}@kafka:${port}`;
      expect(environment()['KAFKA_CONTROLLER_QUORUM_VOTERS']).to.equal(voter);
      expect(environment()['KAFKA_PROCESS_ROLES']).to.equal('broker,controller');
      expect(Buffer.from(environment()['CLUSTER_ID'] ?? '', 'base64url')).to.have.length(16);
    });

    it('asks for no more copies than there are brokers', () => {
      const copies = Object.entries(environment()).filter(([name]) =>
        /REPLICATION_FACTOR$|MIN_ISR$/.test(name),
      );
      expect(copies.map(([, count]) => count)).to.not.be.empty;
      expect(copies.every(([, count]) => count === '1')).to.equal(true);
      // 0 leaves the number to the broker, whose default is 1.
      expect(projector().kafka.replicationFactor).to.be.at.most(1);
    });

    it('creates no topic automatically and keeps its log in the volume', () => {
      expect(environment()['KAFKA_AUTO_CREATE_TOPICS_ENABLE']).to.equal('false');
      const target = service('kafka').volumes?.[0]?.split(':')[1];
      expect(environment()['KAFKA_LOG_DIRS']).to.equal(target);
    });
  });

  describe('mongodb', () => {
    const script = (): string => service('mongodb').healthcheck.test?.at(-1) ?? '';

    it('is the replica set that the roles look for', () => {
      const [flag, set = ''] = service('mongodb').command ?? [];
      expect(flag).to.equal('--replSet');
      expect(script()).to.contain(`_id: '${set}'`).and.contain("host: 'mongodb:27017'");
      expect(projector().mongodb.url).to.equal(`mongodb://mongodb:27017/?replicaSet=${set}`);
    });

    /** Runs the check as mongosh would, on a server in that state; answers what it did. */
    const check = (state: { readonly error?: string; readonly primary: boolean }): string[] => {
      const done: string[] = [];
      const status = (): void => {
        if (state.error) throw Object.assign(new Error(state.error), { codeName: state.error });
      };
      const hello = () => ({ isWritablePrimary: state.primary });
      const initiate = (): void => void done.push('initiated');
      const quit = (code: number): void => void done.push(`quit ${code}`);
      runInNewContext(script(), { rs: { status, initiate }, db: { hello }, quit });
      return done;
    };

    it('initiates the replica set once', () => {
      expect(check({ error: 'NotYetInitialized', primary: true })).to.deep.equal(['initiated']);
      expect(check({ primary: true })).to.deep.equal([]);
    });

    it('is healthy only when it accepts writes', () => {
      expect(check({ primary: false })).to.deep.equal(['quit 1']);
    });

    it('initiates no replica set when its state is unknown', () => {
      expect(() => check({ error: 'Unauthorized', primary: false })).to.throw('Unauthorized');
    });
  });
});
