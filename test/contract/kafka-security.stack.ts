import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { kafkaDeadLetters } from '../../src/adapters/kafka/dead-letters.js';
import { silentLogger, type Logger } from '../../src/platform/observability/logger.js';
import { PortError, UnavailableError } from '../../src/ports/errors.js';
import { eventually } from '../support/eventually.js';
import { AT } from '../support/examples.js';
import { freePort } from '../support/free-port.js';
import { rejectionOf } from '../support/rejection-of.js';
import { freshTopic, openKafkaBus } from '../support/stack/kafka-bus.js';
import { grant, type Right } from '../support/stack/kafka-grant.js';
import { startNativeKafka } from '../support/stack/kafka-native.js';
import { orSkip } from '../support/stack/server.js';
import type { StackServer } from '../support/stack/server.js';
import { startWaitingService } from '../support/service-process.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { collecting, event, LOG_ID, streamIn } from './event-bus/given.js';

const run = promisify(execFile);
const STORE = ['-storepass', 'changeit', '-alias', 'broker'];
const LOGIN = 'org.apache.kafka.common.security.plain.PlainLoginModule';

/** A key for the broker and its certificate as a file for clients. */
const certificates = async (directory: string) => {
  const keystore = join(directory, 'broker.p12');
  const caFile = join(directory, 'broker.pem');
  const store = ['-keystore', keystore, ...STORE];
  const name = ['-dname', 'CN=localhost', '-ext', 'san=ip:127.0.0.1', '-validity', '2'];
  await run('keytool', ['-genkeypair', '-keyalg', 'EC', '-storetype', 'PKCS12', ...store, ...name]);
  await run('keytool', ['-exportcert', '-rfc', '-file', caFile, ...store]);
  return { keystore, caFile };
};

describe('a Kafka broker behind TLS and a login', function () {
  this.timeout(60_000);
  let kafka: StackServer | undefined;
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let secured = '';
  let caFile = '';

  before(async function () {
    directory = await temporaryDirectory();
    const made = await certificates(directory.path).catch(() => null);
    if (made === null) {
      process.stdout.write('      skipped: there is no keytool on this machine\n');
      return this.skip();
    }
    ({ caFile } = made);
    const port = await freePort();
    secured = `127.0.0.1:${port}`;
    const settings = {
      'ssl.keystore.location': made.keystore,
      'ssl.keystore.password': 'changeit',
      'sasl.enabled.mechanisms': 'PLAIN',
      'plain.sasl.jaas.config': `${LOGIN} required user_me="hunter2" user_service="s3rvice";`,
    };
    kafka = await orSkip(
      this,
      'kafka',
      () =>
        startNativeKafka({
          extra: { protocol: 'SASL_SSL', port, settings },
          settings: {
            'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
            // Clients of the plain listener, including the broker itself, may do everything.
            'super.users': 'User:ANONYMOUS;User:me',
          },
        }),
      { own: true },
    );
  });
  after(async () => {
    await kafka?.stop();
    await directory.remove();
  });

  const login = (password: string, username = 'me') =>
    ({ mechanism: 'plain', username, password }) as const;

  it('accepts events with the right certificate and password', async () => {
    const bus = await openKafkaBus(secured, { tls: { caFile }, sasl: login('hunter2') });
    const publisher = await bus.publisher(LOG_ID);
    await publisher.publish([event('anime-1', 'a')]);
    expect(streamIn(await bus.sample())).to.equal('anime-1');
    await bus.close();
  });

  it('denies access with a wrong password, not retriable', async () => {
    const error = await rejectionOf(
      openKafkaBus(secured, { tls: { caFile }, sasl: login('wrong') }),
    );
    if (!(error instanceof PortError)) throw error;
    expect([error.code, error.retriable]).to.deep.equal(['ACCESS_DENIED', false]);
  });

  it('is refused when its certificate cannot be verified', async () => {
    const error = await rejectionOf(openKafkaBus(secured, { tls: {}, sasl: login('hunter2') }));
    if (!(error instanceof UnavailableError)) throw error;
    expect(error.context['detail']).to.match(/self-signed certificate/);
  });

  const service = () => ({ tls: { caFile }, sasl: login('s3rvice', 'service') });

  /** The permissions documented in docs/stack.md. */
  const rightsFor = (topic: string, group: string): Right[] => [
    { on: 'TOPIC', name: topic, to: ['CREATE', 'DESCRIBE_CONFIGS', 'READ', 'WRITE'] },
    { on: 'TOPIC', name: `${topic}.dlq`, to: ['CREATE', 'DESCRIBE_CONFIGS', 'READ', 'WRITE'] },
    { on: 'GROUP', name: `${group}-`, isPrefix: true, to: ['READ', 'DELETE'] },
    { on: 'GROUP', name: `${topic}.read-once-`, isPrefix: true, to: ['READ', 'DELETE'] },
    { on: 'GROUP', name: `${topic}.dlq.read-once-`, isPrefix: true, to: ['READ', 'DELETE'] },
  ];

  it('lets the service do everything with the documented permissions', async () => {
    const [topic, group] = [freshTopic(), freshTopic()];
    await grant(kafka?.address ?? '', 'service', rightsFor(topic, group));
    const { lines, logger } = warnings();
    const bus = await openKafkaBus(secured, { ...service(), topic, logger });
    const seen = collecting();
    const consumer = bus.consumer(`${group}-v1`);
    await consumer.start(seen.handler);
    const publisher = await bus.publisher(LOG_ID);
    await publisher.publish([event('anime-1', 'a')]);
    await eventually(() => expect(seen.texts()).to.deep.equal(['a']), { withinMs: 15_000 });
    expect(streamIn(await bus.sample())).to.equal('anime-1');
    await consumer.stop();
    expect([...(await bus.committed(`${group}-v1`)).values()]).to.deep.equal([1n]);
    await eventually(async () => expect(await bus.members(`${group}-v1`)).to.equal(0));
    await eventually(async () => expect(await bus.forget(`${group}-v1`)).to.equal(true));
    await bus.close();

    const options = { ...service(), brokers: [secured], topic, replicationFactor: 0, logger };
    const letters = await kafkaDeadLetters(options);
    const letter = { stream: 'anime-1', revision: 0, source: 's', reason: 'r', value: null };
    await letters.add({ ...letter, at: AT });
    expect(await letters.list(10)).to.have.length(1);
    await letters.close();
    expect(lines).to.deep.equal([]);
  });

  it('lets the service work, with a warning, without the optional permissions', async () => {
    const [topic, group] = [freshTopic(), freshTopic()];
    const rights = rightsFor(topic, group).map(({ to, ...right }) => ({
      ...right,
      to: to.filter((each) => each !== 'DESCRIBE_CONFIGS' && each !== 'DELETE'),
    }));
    await grant(kafka?.address ?? '', 'service', rights);
    const { lines, logger } = warnings();
    const bus = await openKafkaBus(secured, { ...service(), topic, logger });
    const publisher = await bus.publisher(LOG_ID);
    await publisher.publish([event('anime-1', 'a')]);
    expect(streamIn(await bus.sample())).to.equal('anime-1');
    expect(lines).to.include.members([
      'Access to the settings of a topic is denied: make sure that it has no retention',
      'Could not delete the consumer group of a finished read',
    ]);
    const error = await rejectionOf(bus.forget(`${group}-v1`));
    expect(error).to.be.instanceOf(PortError).with.property('code', 'ACCESS_DENIED');
    await bus.close();
  });

  /** A bridge in its own process, whose event store is not running. */
  const bridge = async (settings: NodeJS.ProcessEnv) =>
    startWaitingService({
      dataDir: directory.path,
      args: ['bridge'],
      environment: {
        EVENTSTORE_URL: `esdb://127.0.0.1:${await freePort()}?tls=false`,
        KAFKA_TOPIC: freshTopic(),
        KAFKA_BROKERS: secured,
        KAFKA_TLS: 'true',
        KAFKA_TLS_CA_FILE: caFile,
        KAFKA_SASL_MECHANISM: 'plain',
        KAFKA_USERNAME: 'service',
        KAFKA_PASSWORD: 's3rvice',
        ...settings,
      },
    });

  const refusal = async (settings: NodeJS.ProcessEnv) => {
    const service = await bridge(settings);
    try {
      expect(await service.ended).to.equal(2);
      expect(service.errors()).to.not.match(/s3rvice|wr0ng|^\s+at /m);
      return service.errors();
    } finally {
      await service.end('SIGKILL');
    }
  };

  it('ends a bridge with a wrong password with one sentence and exit code 2', async () => {
    expect(await refusal({ KAFKA_PASSWORD: 'wr0ng' })).to.contain('KAFKA_PASSWORD');
  });

  it('ends a bridge that may not use the topic with the missing permissions', async () => {
    expect(await refusal({})).to.contain('needs CREATE, READ and WRITE on the topics');
  });

  it('ends a bridge that cannot verify the certificate with the name of the setting', async () => {
    expect(await refusal({ KAFKA_TLS_CA_FILE: '' })).to.contain('KAFKA_TLS_CA_FILE');
  });

  it('ends a bridge that does not use TLS', async () => {
    expect(await refusal({ KAFKA_TLS: 'false' })).to.contain('expects TLS');
  });

  it('ends a bridge that uses TLS on the plain port', async () => {
    expect(await refusal({ KAFKA_BROKERS: kafka?.address })).to.contain('speaks no TLS');
  });

  it('lets a bridge without a login wait, naming the setting it may lack', async () => {
    const login = { KAFKA_SASL_MECHANISM: '', KAFKA_USERNAME: '', KAFKA_PASSWORD: '' };
    const service = await bridge({ ...login, LOG_LEVEL: 'info' });
    try {
      await eventually(() => expect(service.errors()).to.contain('KAFKA_SASL_MECHANISM is empty'), {
        withinMs: 30_000,
      });
    } finally {
      await service.end('SIGKILL');
    }
  });

  it('denies access to a foreign topic, not retriable', async () => {
    const error = await rejectionOf(openKafkaBus(secured, { ...service(), topic: freshTopic() }));
    if (!(error instanceof PortError)) throw error;
    expect([error.code, error.retriable]).to.deep.equal(['ACCESS_DENIED', false]);
  });
});

const warnings = () => {
  const lines: string[] = [];
  const warn = (message: string): void => {
    // A new broker lets it try again while it makes the topic of the groups.
    if (message !== 'The Kafka client reports a problem') lines.push(message);
  };
  const logger: Logger = { ...silentLogger(), warn, error: warn, child: () => logger };
  return { lines, logger };
};
