import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { PortError, UnavailableError } from '../../src/ports/errors.js';
import { freePort } from '../support/free-port.js';
import { rejectionOf } from '../support/rejection-of.js';
import { openKafkaBus } from '../support/stack/kafka-bus.js';
import { startNativeKafka } from '../support/stack/kafka-native.js';
import { orSkip } from '../support/stack/server.js';
import type { StackServer } from '../support/stack/server.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { record } from './event-bus/given.js';

const run = promisify(execFile);
const STORE = ['-storepass', 'changeit', '-alias', 'broker'];
const LOGIN = 'org.apache.kafka.common.security.plain.PlainLoginModule';

/** A key of the broker's own, and its certificate as a file for clients. */
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
      'plain.sasl.jaas.config': `${LOGIN} required user_me="hunter2";`,
    };
    kafka = await orSkip(
      this,
      'kafka',
      () => startNativeKafka({ extra: { protocol: 'SASL_SSL', port, settings } }),
      { own: true },
    );
  });
  after(async () => {
    await kafka?.stop();
    await directory.remove();
  });

  const login = (password: string) => ({ mechanism: 'plain', username: 'me', password }) as const;

  it('takes events from who has the certificate and the password', async () => {
    const bus = await openKafkaBus(secured, { tls: { caFile }, sasl: login('hunter2') });
    const publisher = await bus.publisher();
    await publisher.publish([record('anime-1', 'a')]);
    expect((await bus.sample())?.key).to.equal('anime-1');
    await bus.close();
  });

  it('denies access with a wrong password, which waiting does not mend', async () => {
    const error = await rejectionOf(
      openKafkaBus(secured, { tls: { caFile }, sasl: login('wrong') }),
    );
    if (!(error instanceof PortError)) throw error;
    expect([error.code, error.retriable]).to.deep.equal(['ACCESS_DENIED', false]);
  });

  it('is not spoken to when its certificate is not known', async () => {
    const error = await rejectionOf(openKafkaBus(secured, { tls: {}, sasl: login('hunter2') }));
    if (!(error instanceof UnavailableError)) throw error;
    expect(error.context['detail']).to.match(/self-signed certificate/);
  });
});
