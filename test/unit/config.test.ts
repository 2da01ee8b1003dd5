import { expect } from 'chai';
import { loadConfig } from '../../src/platform/config.js';
import { describeSettings, showConfig } from '../../src/platform/config-help.js';

const failing = (environment: NodeJS.ProcessEnv): string => {
  try {
    loadConfig(environment);
  } catch (error) {
    expect(error).to.be.an('error').with.property('name', 'ConfigError');
    return (error as Error).message;
  }
  return expect.fail('the configuration was accepted');
};

describe('the configuration', () => {
  it('needs nothing: every default is embedded and on the loopback', () => {
    const config = loadConfig({});
    expect(config.host).to.equal('127.0.0.1');
    expect([config.eventStore.url, config.mongodb.url, config.kafka.brokers]).to.deep.equal([
      '',
      '',
      [],
    ]);
  });

  it('reads a comma separated list', () => {
    expect(
      loadConfig({ CORS_ORIGINS: 'https://a.example, https://b.example' }).corsOrigins,
    ).to.deep.equal(['https://a.example', 'https://b.example']);
  });

  it('takes origins of web pages and of apps', () => {
    const origins = ['http://localhost:3000', 'capacitor://localhost', 'http://[::1]:8080', '*'];
    expect(loadConfig({ CORS_ORIGINS: origins.join() }).corsOrigins).to.deep.equal(origins);
  });

  it('limits the rate in production', () => {
    expect(loadConfig({ NODE_ENV: 'production' }).rateLimitPerMinute).to.equal(6000);
  });

  for (const [name, environment, message] of [
    ['a port that is no number', { COMMAND_PORT: 'x' }, /COMMAND_PORT/],
    ['an unknown environment', { NODE_ENV: 'prod' }, /NODE_ENV/],
    ['an empty host', { HOST: '' }, /HOST/],
    ['a negative rate limit', { RATE_LIMIT_PER_MINUTE: '-1' }, /RATE_LIMIT_PER_MINUTE/],
    [
      'too short a memory for keys',
      { COMMANDS_REMEMBERED_KEYS: '999' },
      /COMMANDS_REMEMBERED_KEYS/,
    ],
    ['an address of another protocol', { EVENTSTORE_URL: 'http://h:1' }, /EVENTSTORE_URL/],
    [
      'an open CORS policy in production',
      { NODE_ENV: 'production', CORS_ORIGINS: '*' },
      /CORS_ORIGINS/,
    ],
    ['an origin with a path', { CORS_ORIGINS: 'https://a.example/' }, /CORS_ORIGINS/],
    ['an origin without a scheme', { CORS_ORIGINS: 'a.example' }, /CORS_ORIGINS/],
    ['an origin with its default port', { CORS_ORIGINS: 'https://a.example:443' }, /CORS_ORIGINS/],
    ['the origin null', { CORS_ORIGINS: 'https://a.example,null' }, /CORS_ORIGINS/],
    ['a short key in production', { NODE_ENV: 'production', API_KEYS: 'short' }, /API_KEYS/],
    [
      'a default password in production',
      { NODE_ENV: 'production', EVENTSTORE_URL: 'esdb://admin:changeit@h:2113' },
      /EVENTSTORE_URL: a default password/,
    ],
    [
      'a plain connection in production',
      { NODE_ENV: 'production', EVENTSTORE_URL: 'esdb://h:2113?tls=false' },
      /EVENTSTORE_URL: an insecure connection/,
    ],
    [
      'plain brokers in production',
      { NODE_ENV: 'production', KAFKA_BROKERS: 'h:9092' },
      /KAFKA_TLS: an insecure connection/,
    ],
    [
      'a plain read store in production',
      { NODE_ENV: 'production', MONGODB_URL: 'mongodb://h:27017' },
      /MONGODB_URL: an insecure connection/,
    ],
    [
      'unverified certificates in production',
      {
        NODE_ENV: 'production',
        MONGODB_URL: 'mongodb://h/?tls=true&tlsAllowInvalidCertificates=true',
      },
      /MONGODB_URL: an insecure connection/,
    ],
    [
      "the brokers' default password in production",
      { NODE_ENV: 'production', KAFKA_PASSWORD: 'changeit' },
      /KAFKA_PASSWORD: a default password/,
    ],
    ['a login without a name', { KAFKA_SASL_MECHANISM: 'plain' }, /KAFKA_USERNAME/],
    ['an unknown mechanism', { KAFKA_SASL_MECHANISM: 'kerberos' }, /KAFKA_SASL_MECHANISM/],
    ['no partitions', { KAFKA_PARTITIONS: '0' }, /KAFKA_PARTITIONS/],
    ['a read store of another protocol', { MONGODB_URL: 'http://h:1' }, /MONGODB_URL/],
  ] as const) {
    it(`refuses ${name} and names the variable`, () => {
      expect(failing(environment)).to.match(message);
    });
  }

  it('takes a plain connection in production where that is said to be safe', () => {
    const url = 'esdb://h:2113?tls=false';
    const config = loadConfig({
      NODE_ENV: 'production',
      EVENTSTORE_URL: url,
      ALLOW_INSECURE: 'true',
    });
    expect(config.eventStore.url).to.equal(url);
  });

  it('takes secure servers in production', () => {
    const config = loadConfig({
      ...{ NODE_ENV: 'production', KAFKA_BROKERS: 'h:9093', KAFKA_TLS: 'true' },
      MONGODB_URL: 'mongodb://h:27017/?replicaSet=rs0&tls=true',
    });
    expect(config.kafka.tls).to.be.true;
  });

  it('never repeats a secret in a message', () => {
    expect(failing({ MONGODB_URL: 'http://x:hunter2@h' })).not.to.contain('hunter2');
    expect(
      failing({ NODE_ENV: 'production', EVENTSTORE_URL: 'esdb://x:changeit@h' }),
    ).not.to.contain('changeit');
    expect(failing({ EVENTSTORE_URL: 'http://x:hunter2@h' })).not.to.contain('hunter2');
  });

  it('masks secrets when shown', () => {
    const secrets = { API_KEYS: 'hunter2', KAFKA_PASSWORD: 'hunter2' };
    const url = 'mongodb://x:hunter2@h:27017';
    const text = showConfig(loadConfig({ ...secrets, MONGODB_URL: url, COMMAND_PORT: '9000' }));
    expect(text).to.contain('API_KEYS=***').and.to.contain('COMMAND_PORT=9000');
    expect(text).not.to.contain('hunter2');
  });

  it('documents every setting', () => {
    expect(describeSettings()).to.contain('SHUTDOWN_TIMEOUT_MS (25000)');
  });
});
