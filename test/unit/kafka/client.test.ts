import { expect } from 'chai';
import { createAdmin } from '../../../src/adapters/kafka/topics.js';
import { clientFactory } from '../../../src/adapters/kafka/client.js';
import { silentLogger, type Logger } from '../../../src/platform/observability/logger.js';
import { UnavailableError } from '../../../src/ports/errors.js';
import { freePort } from '../../support/free-port.js';
import { rejectionOf } from '../../support/rejection-of.js';

describe('a client of Kafka', () => {
  it('reports to our log only, without secrets', async () => {
    const lines: unknown[] = [];
    const warn: Logger['warn'] = (message, data) => void lines.push([message, data]);
    const port = await freePort();
    const connect = clientFactory({
      brokers: [`127.0.0.1:${port}`],
      sasl: { mechanism: 'plain', username: 'me', password: 'hunter2' },
      logger: { ...silentLogger(), warn },
    });
    const admin = createAdmin(connect, 1_000);
    const failed = await rejectionOf(admin.ask((kafka) => kafka.describeCluster()));
    expect(failed).to.be.instanceOf(UnavailableError);
    await admin.close();
    const text = JSON.stringify(lines);
    expect(text).to.include('The Kafka client reports a problem').and.to.include('ECONNREFUSED');
    expect(text).not.to.include('hunter2');
  });

  it('that was cut off opens no connection any more', async () => {
    const connect = clientFactory({
      brokers: [`127.0.0.1:${await freePort()}`],
      logger: silentLogger(),
    });
    const client = connect();
    client.cut();
    const error = await rejectionOf(client.kafka.admin({ retry: { retries: 0 } }).connect());
    expect(String(error)).to.include('The client was closed.');
  });

  it('names the file of certificates that cannot be read', () => {
    const tls = { caFile: '/nowhere/ca.pem' };
    expect(() => clientFactory({ brokers: ['x:1'], tls, logger: silentLogger() })).to.throw(
      /\/nowhere\/ca\.pem/,
    );
  });
});
