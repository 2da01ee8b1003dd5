import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import { Metadata, ServerCredentials, status } from '@grpc/grpc-js';
import { expect } from 'chai';
import { BSON } from 'mongodb';
import { selfSignedCertificate } from '../support/certificate.js';
import { eventAt } from '../contract/eventstoredb/support.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { scriptedMongodb } from '../support/scripted-mongodb.js';
import { scriptedServer, type ReadServerCall } from '../support/scripted-server.js';
import { startWaitingService, type WaitingService } from '../support/service-process.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const UNAUTHENTICATED = { code: status.UNAUTHENTICATED, details: 'Bad credentials' };
const DENIED = { code: status.PERMISSION_DENIED, details: 'Access Denied' };

const nameOf = ({ request }: ReadServerCall): string => {
  const stream = request.getOptions()?.getStream()?.getStreamIdentifier();
  return stream === undefined ? 'all' : Buffer.from(stream.getStreamName_asU8()).toString();
};

const logIdentity = (): streams.ReadResp => {
  const response = eventAt(0n);
  const event = response.getEvent()?.getEvent()?.setData(Buffer.from('{"logId":"this"}'));
  event?.getMetadataMap().set('type', 'LogIdentified');
  return response;
};

/** A store that holds only its identity, and denies the requests that a test names. */
const read = (denialOf: (stream: string) => object | undefined) => (call: ReadServerCall) => {
  const stream = nameOf(call);
  const denial = denialOf(stream);
  if (denial !== undefined) {
    const metadata = new Metadata();
    metadata.set('exception', 'access-denied');
    return void call.emit('error', { ...denial, ...(denial === DENIED ? { metadata } : {}) });
  }
  const missing = new streams.ReadResp().setStreamNotFound(new streams.ReadResp.StreamNotFound());
  call.write(stream === 'log-identity' ? logIdentity() : missing);
  call.end();
};

describe('a service refused by its servers', function () {
  this.timeout(60_000);
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let service: WaitingService | undefined;
  let stops: (() => unknown)[];

  beforeEach(async () => {
    directory = await temporaryDirectory();
    service = undefined;
    stops = [];
  });

  afterEach(async () => {
    await service?.end('SIGKILL');
    for (const stop of stops) stop();
    await directory.remove();
  });

  const start = async (role: string, environment: NodeJS.ProcessEnv): Promise<WaitingService> =>
    (service = await startWaitingService({ dataDir: directory.path, environment, args: [role] }));

  /** The sentence with which it exits, with the code of a wrong configuration. */
  const refusal = async (role: string, environment: NodeJS.ProcessEnv): Promise<string> => {
    const refused = await start(role, environment);
    expect(await refused.ended, refused.output() + refused.errors()).to.equal(2);
    expect(refused.errors()).to.not.match(/stack|^\s+at |hunter2/m);
    expect(refused.output()).to.not.contain('is ready');
    return refused.errors().trim().split('\n').at(-1) ?? '';
  };

  const listening = async (server: Server): Promise<number> => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    stops.push(() => server.close());
    return (server.address() as AddressInfo).port;
  };

  /** Answers the first bytes, like a server without TLS. */
  const plainServer = () =>
    listening(
      createServer((socket) =>
        socket.on('error', () => undefined).on('data', () => socket.end(Buffer.alloc(10))),
      ),
    );

  const tlsServer = async () => {
    const { key, cert, caFile } = await selfSignedCertificate(directory.path);
    const server = createTlsServer({ key, cert }, (socket) => {
      socket.on('error', () => undefined).end();
    }).on('tlsClientError', () => undefined);
    return { port: await listening(server), caFile };
  };

  const scripted = async (
    denialOf: Parameters<typeof read>[0],
    credentials?: ServerCredentials,
  ) => {
    const server = await scriptedServer({ read: read(denialOf) }, credentials);
    stops.push(server.stop);
    return server.port;
  };

  const eventStoreAt = (port: number, settings = 'tls=false') => ({
    EVENTSTORE_URL: `esdb://reader:hunter2@127.0.0.1:${port}?${settings}`,
  });

  it('reports wrong credentials for EventStoreDB', async () => {
    const port = await scripted(() => UNAUTHENTICATED);
    expect(await refusal('command-api', eventStoreAt(port)))
      .to.match(/^EVENTSTORE_URL: .*does not accept the user or the password/)
      .and.to.contain('esdb://user:password@host:2113');
  });

  it('reports that a bridge needs a user who may read $all', async () => {
    const port = await scripted((of) => (of === 'all' ? DENIED : undefined));
    const KAFKA_BROKERS = `127.0.0.1:${await freePort()}`;
    expect(await refusal('bridge', { ...eventStoreAt(port), KAFKA_BROKERS }))
      .to.match(/^EVENTSTORE_URL: .*does not let this user read \$all/)
      .and.to.contain('$admins');
  });

  it('exits without a stack where access to a stream is denied late in the start', async () => {
    const isCheckpoint = (stream: string) => stream.startsWith('bridge-checkpoint-');
    const port = await scripted((stream) => (isCheckpoint(stream) ? DENIED : undefined));
    expect(await refusal('all', eventStoreAt(port)))
      .to.contain('denies access to bridge-checkpoint-')
      .and.to.contain('EVENTSTORE_URL');
  });

  it('lets a command API work for a user who may not read $all', async () => {
    const port = await scripted((of) => (of === 'all' ? DENIED : undefined));
    const { output } = await start('command-api', eventStoreAt(port));
    await eventually(() => expect(output()).to.contain('is ready.'), { withinMs: 20_000 });
  });

  it('is unhealthy, says why and goes on where the password is changed later', async () => {
    let denial: object | undefined;
    const port = await scripted(() => denial);
    const running = await start('command-api', eventStoreAt(port));
    const url = await eventually(
      () => {
        expect(running.output()).to.contain('is ready.');
        return /Command API\s+(\S+)/.exec(running.output())?.[1] ?? '';
      },
      { withinMs: 20_000 },
    );
    denial = UNAUTHENTICATED;
    await eventually(async () => {
      const health = await fetch(`${url}/health`);
      expect(health.status).to.equal(503);
      expect(await health.json())
        .to.have.nested.property('reasons.event-store')
        .that.matches(/^EventStoreDB \(EVENTSTORE_URL\).*user or the password/);
    });
    denial = undefined;
    await eventually(async () => expect((await fetch(`${url}/health`)).status).to.equal(200));
  });

  it('reports that EventStoreDB uses TLS where the address says no', async () => {
    const { key, cert } = await selfSignedCertificate(directory.path);
    const pair = [{ private_key: key, cert_chain: cert }];
    const port = await scripted(() => undefined, ServerCredentials.createSsl(null, pair));
    expect(await refusal('command-api', eventStoreAt(port)))
      .to.contain('expects TLS')
      .and.to.contain('tls in EVENTSTORE_URL');
  });

  it('reports that EventStoreDB does not use TLS where the address says yes', async () => {
    const port = await scripted(() => undefined);
    expect(await refusal('command-api', eventStoreAt(port, 'tls=true')))
      .to.contain('speaks no TLS')
      .and.to.contain('tls in EVENTSTORE_URL');
  });

  it('names tlsCaFile where the certificate of EventStoreDB cannot be verified, and accepts it', async () => {
    const { key, cert, caFile } = await selfSignedCertificate(directory.path);
    const pair = [{ private_key: key, cert_chain: cert }];
    const port = await scripted(() => undefined, ServerCredentials.createSsl(null, pair));
    expect(await refusal('command-api', eventStoreAt(port, 'tls=true'))).to.contain('tlsCaFile');
    const { output } = await start(
      'command-api',
      eventStoreAt(port, `tls=true&tlsCaFile=${caFile}`),
    );
    await eventually(() => expect(output()).to.contain('is ready.'), { withinMs: 20_000 });
  });

  const kafkaAt = async (port: number, settings: NodeJS.ProcessEnv = {}) => ({
    ...eventStoreAt(await freePort()),
    KAFKA_BROKERS: `127.0.0.1:${port}`,
    ...settings,
  });

  it('reports that Kafka uses TLS where the settings say no', async () => {
    const { port } = await tlsServer();
    expect(await refusal('bridge', await kafkaAt(port)))
      .to.match(/^KAFKA_BROKERS: .*expects TLS/)
      .and.to.contain('KAFKA_TLS');
  });

  it('reports that Kafka does not use TLS where the settings say yes', async () => {
    const port = await plainServer();
    expect(await refusal('bridge', await kafkaAt(port, { KAFKA_TLS: 'true' })))
      .to.match(/^KAFKA_BROKERS: .*speaks no TLS/)
      .and.to.contain('KAFKA_TLS');
  });

  it('names tlsCaFile where the certificate of Kafka cannot be verified', async () => {
    const { port } = await tlsServer();
    expect(await refusal('bridge', await kafkaAt(port, { KAFKA_TLS: 'true' })))
      .to.contain('tlsCaFile')
      .and.to.contain('KAFKA_TLS_CA_FILE');
  });

  const mongodbAt = (port: number, settings = '') => ({
    MONGODB_URL: `mongodb://reader:hunter2@127.0.0.1:${port}/${settings}`,
  });

  it('reports that MongoDB uses TLS where the address says no', async () => {
    const { port } = await tlsServer();
    expect(await refusal('query-api', mongodbAt(port)))
      .to.match(/^MONGODB_URL: .*expects TLS/)
      .and.to.contain('tls in MONGODB_URL');
  });

  it('reports that MongoDB does not use TLS where the address says yes', async () => {
    const port = await plainServer();
    expect(await refusal('query-api', mongodbAt(port, '?tls=true'))).to.contain('speaks no TLS');
  });

  it('names tlsCAFile where the certificate of MongoDB cannot be verified', async () => {
    const { port } = await tlsServer();
    expect(await refusal('query-api', mongodbAt(port, '?tls=true'))).to.contain('tlsCAFile');
  });

  it('names the file where tlsCAFile does not exist', async () => {
    const { port } = await tlsServer();
    const settings = '?tls=true&tlsCAFile=/nowhere/ca.pem';
    expect(await refusal('query-api', mongodbAt(port, settings)))
      .to.match(/^MONGODB_URL: /)
      .and.to.contain('/nowhere/ca.pem');
  });

  it('reports wrong credentials for MongoDB', async () => {
    const mongodb = await scriptedMongodb(() => ({
      ok: 0,
      code: 18,
      codeName: 'AuthenticationFailed',
      errmsg: 'Authentication failed.',
    }));
    stops.push(mongodb.stop);
    const settings = '?authMechanism=PLAIN&authSource=$external';
    expect(await refusal('query-api', mongodbAt(mongodb.port, settings)))
      .to.match(/^MONGODB_URL: /)
      .and.to.contain('authSource');
  });

  it('reports a MongoDB user that may only read', async () => {
    const nothing = { ok: 1, cursor: { id: BSON.Long.ZERO, ns: 'a.b', firstBatch: [] } };
    const mongodb = await scriptedMongodb((command) =>
      ['ping', 'find'].includes(command)
        ? nothing
        : { ok: 0, code: 13, codeName: 'Unauthorized', errmsg: 'not authorized' },
    );
    stops.push(mongodb.stop);
    const MONGODB_URL = `mongodb://127.0.0.1:${mongodb.port}/`;
    expect(await refusal('all', { MONGODB_URL })).to.match(/^MONGODB_URL: .*need readWrite/);
  });

  it('reports a MongoDB address without a user', async () => {
    const mongodb = await scriptedMongodb((command) =>
      command === 'ping'
        ? { ok: 1 }
        : { ok: 0, code: 13, codeName: 'Unauthorized', errmsg: 'find requires authentication' },
    );
    stops.push(mongodb.stop);
    const MONGODB_URL = `mongodb://127.0.0.1:${mongodb.port}/`;
    expect(await refusal('query-api', { MONGODB_URL })).to.match(/^MONGODB_URL: .*need read/);
  });
});
