import { expect } from 'chai';
import { refuseAnonymous } from '../../src/compose/roles.js';
import express from 'express';
import {
  loadConfig,
  misspeltVariables,
  parseEnvironmentFile,
} from '../../src/platform/config/config.js';
import { describeSettings, settings, showConfig } from '../../src/platform/config/help.js';

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

  it('stops without a grace by default, and keeps idle connections longer than load balancers do', () => {
    const { shutdownGraceMs, keepAliveTimeoutMs } = loadConfig({});
    expect(shutdownGraceMs).to.equal(0);
    expect(keepAliveTimeoutMs).to.be.greaterThan(60_000);
  });

  it('reads a comma separated list', () => {
    expect(
      loadConfig({ CORS_ORIGINS: 'https://a.example, https://b.example' }).corsOrigins,
    ).to.deep.equal(['https://a.example', 'https://b.example']);
  });

  it('accepts origins of web pages and of apps', () => {
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
    [
      'pages of an event store that are no pages',
      { EVENTSTORE_UI_URL: 'x:1' },
      /EVENTSTORE_UI_URL/,
    ],
    ['a host with a port', { ALLOWED_HOSTS: 'example.com:8000' }, /ALLOWED_HOSTS.*without ports/],
    ['a negative rate limit', { RATE_LIMIT_PER_MINUTE: '-1' }, /RATE_LIMIT_PER_MINUTE/],
    [
      'a short master key',
      { USER_ID_MASTER_KEY: 'c2hvcnQ=' },
      /USER_ID_MASTER_KEY: must be 32 bytes/,
    ],
    ['encryption without a key', { USER_ID_PROTECTION: 'encrypt' }, /set USER_ID_MASTER_KEY/],
    [
      'a previous master key alone',
      { USER_ID_MASTER_KEY_PREVIOUS: 'A'.repeat(43) },
      /USER_ID_MASTER_KEY_PREVIOUS: .*set USER_ID_MASTER_KEY too/,
    ],
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
    ['a command API below a path', { COMMAND_URL: 'https://a.example/x' }, /COMMAND_URL.*path/],
    ['a command API of another protocol', { COMMAND_URL: 'ftp://a.example' }, /COMMAND_URL/],
    ['a command API that is a script', { COMMAND_URL: 'javascript:alert(1)' }, /COMMAND_URL/],
    ['an origin with a path', { CORS_ORIGINS: 'https://a.example/' }, /CORS_ORIGINS/],
    ['an origin without a scheme', { CORS_ORIGINS: 'a.example' }, /CORS_ORIGINS/],
    ['an origin with its default port', { CORS_ORIGINS: 'https://a.example:443' }, /CORS_ORIGINS/],
    ['the origin null', { CORS_ORIGINS: 'https://a.example,null' }, /CORS_ORIGINS/],
    ['a topic that Kafka refuses', { KAFKA_TOPIC: 'a topic' }, /KAFKA_TOPIC/],
    ['a database that MongoDB refuses', { MONGODB_DATABASE: 'a.b' }, /MONGODB_DATABASE/],
    [
      'a database name of more than 63 bytes',
      { MONGODB_DATABASE: 'ü'.repeat(32) },
      /MONGODB_DATABASE.*63 bytes/,
    ],
    ['a topic name without room for .dlq', { KAFKA_TOPIC: 't'.repeat(246) }, /KAFKA_TOPIC.*245/],
    [
      'keys of commas and spaces in production',
      { NODE_ENV: 'production', API_KEYS: ' , ' },
      /API_KEYS/,
    ],
    ...[
      'SHUTDOWN_TIMEOUT_MS',
      'SHUTDOWN_GRACE_MS',
      'KEEP_ALIVE_TIMEOUT_MS',
      'EVENTSTORE_APPEND_TIMEOUT_MS',
      'MONGODB_TIMEOUT_MS',
    ].flatMap((variable) =>
      ['1e10', '86400001'].map(
        (value) =>
          [
            `${variable}=${value}`,
            { [variable]: value },
            new RegExp(`${variable}.* milliseconds from [01] to 86400000 \\(24 hours\\)`),
          ] as const,
      ),
    ),
    ...[
      'SHUTDOWN_TIMEOUT_MS',
      'KEEP_ALIVE_TIMEOUT_MS',
      'EVENTSTORE_APPEND_TIMEOUT_MS',
      'MONGODB_TIMEOUT_MS',
    ].map(
      (variable) =>
        [
          `${variable}=0`,
          { [variable]: '0' },
          new RegExp(`${variable}\\): must be a whole number of milliseconds from 1 `),
        ] as const,
    ),
    [
      'no time at all for a call to EventStoreDB',
      { EVENTSTORE_URL: 'esdb://h:2113?tls=false&defaultDeadline=0' },
      /EVENTSTORE_URL.*more than 0 milliseconds for defaultDeadline/,
    ],
    [
      'no time at all to find a MongoDB',
      { MONGODB_URL: 'mongodb://h/?serverSelectionTimeoutMS=0&retryWrites=true' },
      /MONGODB_URL.*more than 0 milliseconds for serverSelectionTimeoutMS/,
    ],
    [
      'a time-out in an address that no timer can hold',
      { MONGODB_URL: 'mongodb://h/?connectTimeoutMS=9999999999' },
      /MONGODB_URL.*connectTimeoutMS.*2147483647/,
    ],
    ['a list of keys without any', { API_KEYS: ' , ' }, /API_KEYS/],
    ['a list of readers without any', { API_KEYS: 'k', READER_API_KEYS: ',' }, /READER_API_KEYS/],
    ['a list of origins without any', { CORS_ORIGINS: ', ,' }, /CORS_ORIGINS/],
    ['a list of brokers without any', { KAFKA_BROKERS: ',' }, /KAFKA_BROKERS/],
    ['a group with a line break', { KAFKA_GROUP: 'a\nb' }, /KAFKA_GROUP/],
    ['a group without a name', { KAFKA_GROUP: '' }, /KAFKA_GROUP/],
    ['a group with a long name', { KAFKA_GROUP: 'g'.repeat(201) }, /KAFKA_GROUP/],
    ['peers without their key', { PEERS: 'a:8004' }, /PEER_KEY/],
    ['a peer without a port', { PEERS: 'a', PEER_KEY: 'k' }, /PEERS/],
    ['keys for readers alone', { READER_API_KEYS: 'reader' }, /READER_API_KEYS/],
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

  it('accepts a plain connection in production with ALLOW_INSECURE', () => {
    const url = 'esdb://h:2113?tls=false';
    const config = loadConfig({
      NODE_ENV: 'production',
      EVENTSTORE_URL: url,
      ALLOW_INSECURE: 'true',
    });
    expect(config.eventStore.url).to.equal(url);
  });

  it('accepts secure servers in production', () => {
    const config = loadConfig({
      NODE_ENV: 'production',
      KAFKA_BROKERS: 'h:9093',
      KAFKA_TLS: 'true',
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
    expect(text).to.contain('MONGODB_URL=mongodb://***@h:27017\n');
    expect(text).to.contain('API_KEYS=***').and.to.contain('COMMAND_PORT=9000');
    expect(text).not.to.contain('hunter2');
  });

  for (const [text, value] of [
    ...['true', '1', 'yes', 'on', 'TRUE', 'Yes', 'oN'].map((word) => [word, true] as const),
    ...['false', '0', 'no', 'off', 'FALSE', 'No', 'oFF'].map((word) => [word, false] as const),
  ]) {
    it(`reads the switch ${text} as ${value}`, () => {
      const config = loadConfig({ KAFKA_TLS: text, ALLOW_INSECURE: text });
      expect([config.kafka.tls, config.allowInsecure]).to.deep.equal([value, value]);
    });
  }

  for (const { variable } of settings.filter((one) => typeof one.value === 'boolean')) {
    it(`refuses a value of ${variable} that is neither yes nor no`, () => {
      for (const text of ['', ' ', 'maybe', '2', 'flase', 'tru', 'disabled', 'null']) {
        expect(failing({ [variable]: text }), text)
          .to.contain(`(${variable}): `)
          .and.to.contain('true or false');
      }
    });
  }

  const numbers = settings.filter(({ value }) => typeof value === 'number');
  for (const { variable } of numbers) {
    it(`refuses a number of ${variable} that parses only in part`, () => {
      const cut = ['', ' ', '10.0.0.0/8', '25s', '1.5', '0x10', '1_000', '-1', '1 000', 'NaN'];
      for (const text of [...cut, '99999999999999999999999']) {
        // Of these, the proxies are refused as addresses.
        expect(
          failing({
            [variable]: variable === 'TRUST_PROXY' && text === '10.0.0.0/8' ? '10.0/8' : text,
          }),
          text,
        ).to.contain(`(${variable}): `);
      }
      for (const text of ['1e3', '8e3']) expect(failing({ [variable]: text })).to.contain(text);
    });
  }

  it('states the limits of a number', () => {
    expect(failing({ COMMAND_PORT: '8e3' })).to.equal(
      'commandPort (COMMAND_PORT): must be a whole number from 0 to 65535, digits only: value was "8e3"',
    );
    expect(failing({ QUERY_PORT: '' })).to.equal(
      'queryPort (QUERY_PORT): is empty; give a whole number from 0 to 65535, digits only, or leave it out for the default',
    );
  });

  it('accepts a time of 0 where it turns something off', () => {
    const MONGODB_URL = 'mongodb://h/?connectTimeoutMS=0&socketTimeoutMS=0';
    const loaded = loadConfig({ SHUTDOWN_GRACE_MS: '0', MONGODB_URL });
    expect(loaded).to.include({ shutdownGraceMs: 0 });
    expect(loaded.mongodb.url).to.equal(MONGODB_URL);
  });

  it('accepts a time of 24 hours', () => {
    expect(loadConfig({ SHUTDOWN_TIMEOUT_MS: '86400000' }).shutdownTimeoutMs).to.equal(86_400_000);
  });

  it('names the variable after the key of the setting only', () => {
    expect(failing({ KAFKA_BROKERS: 'h' })).to.equal(
      'kafka.brokers (KAFKA_BROKERS): must be a comma separated list of host:port: value was ["h"]',
    );
  });

  for (const [text, value] of [
    ['0', 0],
    ['2', 2],
    ['false', 0],
    ['true', true],
    ['loopback', ['loopback']],
    ['loopback, 10.0.0.0/8,fd00::/8', ['loopback', '10.0.0.0/8', 'fd00::/8']],
    ['10.0.0.0/255.0.0.0', ['10.0.0.0/255.0.0.0']],
    ['192.0.2.1,2001:db8::1', ['192.0.2.1', '2001:db8::1']],
  ] as const) {
    it(`trusts the proxies ${text} as Express does`, () => {
      const { trustProxy } = loadConfig({ TRUST_PROXY: text });
      expect(trustProxy).to.deep.equal(value);
      expect(() => express().set('trust proxy', trustProxy)).not.to.throw();
    });
  }

  for (const text of [
    ...['', ',', '10.0.0.0/33', '10.0.0.0/8x', '10.0.0.0/', 'fd00::/129', 'proxy.example'],
    ...['10.8', '1e3', '-1', '1,2', 'localhost', '10.0.0.256', 'loopback/8'],
  ]) {
    it(`refuses to trust the proxies ${JSON.stringify(text)}`, () => {
      expect(failing({ TRUST_PROXY: text })).to.contain('(TRUST_PROXY): must be the number');
    });
  }

  it('refuses to trust every proxy in production', () => {
    expect(failing({ NODE_ENV: 'production', TRUST_PROXY: 'true' })).to.match(/^TRUST_PROXY: /);
  });

  it('keeps the meaning of an empty text: embedded', () => {
    const { eventStore, kafka, mongodb, corsOrigins } = loadConfig({
      EVENTSTORE_URL: '',
      KAFKA_BROKERS: '',
      MONGODB_URL: '',
      CORS_ORIGINS: '',
    });
    expect([eventStore.url, kafka.brokers, mongodb.url, corsOrigins]).to.deep.equal([
      '',
      [],
      '',
      [],
    ]);
  });

  for (const [variable, url, name] of [
    ['MONGODB_URL', 'mongodb://h/?tls=true&maxPoolSize=25s', 'maxPoolSize'],
    ['MONGODB_URL', 'mongodb://h/?socketTimeoutMS=1e3', 'socketTimeoutMS'],
    ['MONGODB_URL', 'mongodb://h/?zlibCompressionLevel=&w=1', 'zlibCompressionLevel'],
    ['EVENTSTORE_URL', 'esdb://h?tls=false&defaultDeadline=10s', 'defaultDeadline'],
    ['EVENTSTORE_URL', 'esdb://h?keep-alive-interval=1e4', 'keep-alive-interval'],
  ] as const) {
    it(`refuses in ${variable} a number that parses only in part: ${name}`, () => {
      expect(failing({ [variable]: url }))
        .to.contain(`(${variable}): `)
        .and.to.contain(`a whole number for ${name}`);
    });
  }

  it('refuses a port that no server has', () => {
    for (const port of ['0', '65536', '99999', '2113x']) {
      expect(failing({ MONGODB_URL: `mongodb://u:p@a:1,b:${port}/` })).to.contain('MONGODB_URL');
      expect(failing({ EVENTSTORE_URL: `esdb://h:${port}` })).to.contain('EVENTSTORE_URL');
    }
    const config = loadConfig({ MONGODB_URL: 'mongodb://a:65535', EVENTSTORE_URL: 'esdb://h:1' });
    expect([config.mongodb.url, config.eventStore.url]).to.deep.equal([
      'mongodb://a:65535',
      'esdb://h:1',
    ]);
  });

  it('accepts only unambiguous server addresses', () => {
    for (const url of [
      'mongodb://h',
      'mongodb://u:p%40ss@a.example:1,b.example:2/db?replicaSet=rs0&tls=true',
      'mongodb+srv://u:p@cluster.example/?retryWrites=true',
      'mongodb://[::1]:27017/',
      'mongodb://h/?readConcernLevel=majority&w=majority&wtimeoutMS=5000&maxPoolSize=25',
      'mongodb://%2Ftmp%2Fmongodb-27017.sock/db',
      'mongodb://h/?tlsCAFile=/etc/my certificates/ca.pem',
    ]) {
      expect(loadConfig({ MONGODB_URL: url }).mongodb.url).to.equal(url);
    }
    for (const url of [
      'esdb://a:2113,b:2113,c:2113?tls=false',
      'kurrentdb+discover://admin:ch%40nge@cluster.example',
      'esdb://admin:pa/ss#word@db_1:2113/?tls=true&tlsCaFile=/etc/ca.crt',
    ]) {
      expect(loadConfig({ EVENTSTORE_URL: url }).eventStore.url).to.equal(url);
    }
  });

  it('documents every setting', () => {
    expect(describeSettings()).to.contain('SHUTDOWN_TIMEOUT_MS (25000)');
  });
});

describe('the file .env', () => {
  const content = 'COMMAND_PORT=9000\r\nexport HOST="127.0.0.2"\r\nKAFKA_TOPIC=\'a b\' # ours\r\n';
  const expected = { COMMAND_PORT: '9000', HOST: '127.0.0.2', KAFKA_TOPIC: 'a b' };
  const mark = '\uFEFF';

  for (const [name, bytes] of [
    ['UTF-8 with the ends of lines of Windows', Buffer.from(content)],
    ['UTF-8 with a byte order mark', Buffer.from(mark + content)],
    ['UTF-16 of Windows', Buffer.from(mark + content, 'utf16le')],
    ['UTF-16 the other way round', Buffer.from(mark + content, 'utf16le').swap16()],
    ['UTF-16 without a byte order mark', Buffer.from(content, 'utf16le')],
    ['UTF-16 the other way round without one', Buffer.from(content, 'utf16le').swap16()],
    ['lines indented before export', Buffer.from(content.replace('export ', '  export\t'))],
    ['lines that are no settings', Buffer.from(`settings of ours\n\n# none\n${content}`)],
  ] as const) {
    it(`is read in ${name}`, () => {
      expect(parseEnvironmentFile(bytes)).to.deep.equal(expected);
    });
  }

  it('is refused in an encoding that would change a value', () => {
    for (const bytes of [
      Buffer.from('KAFKA_PASSWORD=caf\u00e9', 'latin1'),
      Buffer.from('A=1\n\0'),
    ]) {
      expect(() => parseEnvironmentFile(bytes)).to.throw(/^\.env: .* Save it as UTF-8\.$/);
    }
  });
});

describe('an unknown variable', () => {
  for (const [wrong, right] of [
    ['KAFKA_BROKER', 'KAFKA_BROKERS'],
    ['KAFAK_BROKERS', 'KAFKA_BROKERS'],
    ['MONGODB_URI', 'MONGODB_URL'],
    ['EVENT_STORE_URL', 'EVENTSTORE_URL'],
    ['API_KEY', 'API_KEYS'],
    ['command_port', 'COMMAND_PORT'],
    ['CORS_ORIGIN', 'CORS_ORIGINS'],
    ['SHUTDOWN_TIMEOUT', 'SHUTDOWN_TIMEOUT_MS'],
    ['LOG_LEVL', 'LOG_LEVEL'],
  ] as const) {
    it(`is reported with the nearest name: ${wrong}, ${right}`, () => {
      expect(misspeltVariables({ [wrong]: 'hunter2', PATH: '/bin' })).to.deep.equal([
        `${wrong} is not a setting and has no effect. Did you mean ${right}?`,
      ]);
    });
  }

  it('is ignored where it belongs to other software', () => {
    const names = [
      ...['HOME', 'HOSTNAME', 'PATH', 'LOGNAME', 'NODE_PATH', 'NODE_OPTIONS', 'LANG', 'TERM'],
      ...['KAFKA_HOME', 'KAFKA_OPTS', 'KAFKA_HEAP_OPTS', 'KAFKA_PORT', 'KAFKA_LOG_DIRS'],
      ...['MONGODB_PORT', 'EVENTSTORE_INSECURE', 'EVENTSTORE_CLUSTER_SIZE', 'DATABASE_URL'],
      ...['COMMAND_SERVICE_HOST', 'COMMAND_PORT_80_TCP', 'PORT', 'LOGS', 'KAFKA_SERVICE_PORT'],
    ];
    expect(misspeltVariables(Object.fromEntries(names.map((name) => [name, 'x'])))).to.deep.equal(
      [],
    );
  });

  it('is never one of our settings', () => {
    const ours = Object.fromEntries(settings.map(({ variable }) => [variable, 'x']));
    expect(misspeltVariables(ours)).to.deep.equal([]);
  });
});

describe('production beyond the loopback', () => {
  const open = { NODE_ENV: 'production', HOST: '0.0.0.0' };
  const start = (environment: NodeJS.ProcessEnv) => () =>
    refuseAnonymous(loadConfig({ ...open, ...environment }));

  it('is refused without API keys, with the way out', () => {
    expect(start({})).to.throw(/^API_KEYS: production on HOST=0\.0\.0\.0 .* ALLOW_ANONYMOUS=true/);
  });

  it('starts with keys, on the loopback, or with ALLOW_ANONYMOUS', () => {
    for (const environment of [
      { API_KEYS: 'a-key-of-16-letters' },
      { HOST: '127.0.0.1' },
      { ALLOW_ANONYMOUS: 'true' },
    ]) {
      expect(start(environment)).not.to.throw();
    }
  });
});
