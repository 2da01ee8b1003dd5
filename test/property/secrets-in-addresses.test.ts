import { expect } from 'chai';
import fc from 'fast-check';
import { parseAddress } from '../../src/adapters/eventstoredb/connection.js';
import { openMongodbReadStore } from '../../src/adapters/mongodb/read-store.js';
import { banner } from '../../src/compose/addresses.js';
import { ConfigError, loadConfig, type Config } from '../../src/platform/config/config.js';
import { showConfig } from '../../src/platform/config/help.js';
import { exampleDocuments } from '../../src/read-side/rebuild/example-documents.js';
import { silentLogger } from '../../src/platform/observability/logger.js';

/** Letters that no message, name or host of these tests has, among all that gives an address its form. */
const LETTERS = Array.from('QXZJqxzj7');
const SPECIAL = Array.from('@/:?#%[]&=,.+\\"\'; -~');

const password = fc.string({
  unit: fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...LETTERS) },
    { weight: 1, arbitrary: fc.constantFrom(...SPECIAL) },
  ),
  minLength: 4,
  maxLength: 24,
});

const piecesOf = (secret: string): string[] =>
  Array.from({ length: secret.length - 3 }, (_, at) => secret.slice(at, at + 4)).filter(
    // Punctuation alone is in every address and is no piece of a secret.
    (piece) => LETTERS.some((letter) => piece.includes(letter)),
  );

const expectNothingOf = (secret: string, text: string): void => {
  for (const piece of piecesOf(secret)) expect(text).not.to.contain(piece);
};

const messageOf = (error: unknown): string => {
  expect(error).to.be.instanceOf(ConfigError);
  return (error as ConfigError).message;
};

/** What the settings print, whether they are taken or refused; with the settings that were taken. */
const told = (environment: NodeJS.ProcessEnv): { text: string; config?: Config } => {
  try {
    const config = loadConfig(environment);
    return { text: showConfig(config), config };
  } catch (error) {
    return { text: messageOf(error) };
  }
};

describe('a password in the address of a server', () => {
  for (const [name, variable, before, after] of [
    ['EventStoreDB', 'EVENTSTORE_URL', 'esdb://admin:', '@db:2113?tls=true'],
    ['EventStoreDB with a setting', 'EVENTSTORE_URL', 'esdb://admin:', '@db?connectionName=me'],
    ['a cluster', 'EVENTSTORE_URL', 'esdb+discover://admin:', '@a.example:2113,b.example:2113'],
    ['MongoDB', 'MONGODB_URL', 'mongodb://user:', '@db:27017/?replicaSet=rs0'],
    ['a cluster of MongoDB', 'MONGODB_URL', 'mongodb+srv://user:', '@db.example/name'],
    ['brokers', 'KAFKA_BROKERS', 'user:', '@db:9092'],
    ['another protocol', 'MONGODB_URL', 'http://user:', '@db:1'],
    ['origins', 'CORS_ORIGINS', 'https://user:', '@db.example/'],
    ['proxies', 'TRUST_PROXY', 'http://user:', '@db.example/'],
  ] as const) {
    it(`is never shown in part: ${name}`, () => {
      fc.assert(
        fc.property(
          password,
          fc.boolean(),
          fc.constantFrom('test', 'production'),
          (secret, safe, env) => {
            const url = `${before}${safe ? encodeURIComponent(secret) : secret}${after}`;
            const { text } = told({ NODE_ENV: env, [variable]: url });
            expectNothingOf(secret, text);
            expectNothingOf(encodeURIComponent(secret), text);
          },
        ),
        { numRuns: 300 },
      );
    });
  }

  it('is accepted percent-encoded, and the hosts are shown', () => {
    fc.assert(
      fc.property(password, (secret) => {
        const safe = encodeURIComponent(secret);
        const { text, config } = told({
          EVENTSTORE_URL: `esdb://admin:${safe}@db:2113?tls=true`,
          MONGODB_URL: `mongodb://user:${safe}@a:1,b:2/?tls=true`,
        });
        expect(config).not.to.equal(undefined);
        expect(text)
          .to.contain('EVENTSTORE_URL=esdb://***@db:2113/***\n')
          .and.to.contain('MONGODB_URL=mongodb://***@a:1,b:2/***\n');
        const { options } = parseAddress(config?.eventStore.url ?? '');
        expect(options.defaultCredentials).to.deep.equal({ username: 'admin', password: secret });
      }),
    );
  });

  it('is not in the banner, and reaches the event store client complete', () => {
    fc.assert(
      fc.property(password, (secret) => {
        const { config } = told({ EVENTSTORE_URL: `esdb://admin:${secret}@db:2113?tls=true` });
        if (config === undefined) return;
        const { shown, options } = parseAddress(config.eventStore.url);
        expect(shown).to.equal('esdb://db:2113');
        expect(options.defaultCredentials?.password).to.equal(decodeURIComponent(secret));
        expectNothingOf(secret, banner({ eventStore: shown }, 'bridge', config));
      }),
      { numRuns: 500 },
    );
  });

  it('is not in an error of the MongoDB driver about an accepted address', async () => {
    await fc.assert(
      fc.asyncProperty(password, fc.constantFrom('user', 'us%zzer', ''), async (secret, user) => {
        const url = `mongodb://${user}:${secret}@127.0.0.1:1/?wrongSetting=1`;
        const { config } = told({ MONGODB_URL: url });
        if (config === undefined) return;
        const { database, readPreference } = config.mongodb;
        const options = { url, database, readPreference, timeoutMs: 50, logger: silentLogger() };
        const error: unknown = await openMongodbReadStore({
          ...options,
          examples: exampleDocuments(),
        }).catch((reason: unknown) => reason);
        expect(error).to.be.an('error');
        expectNothingOf(secret, `${String(error)} ${(error as Error).stack ?? ''}`);
      }),
    );
  });
});
