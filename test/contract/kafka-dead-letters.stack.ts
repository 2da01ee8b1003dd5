import { expect } from 'chai';
import { kafkaDeadLetters } from '../../src/adapters/kafka/dead-letters.js';
import { silentLogger } from '../../src/platform/observability/logger.js';
import { UnavailableError } from '../../src/ports/errors.js';
import { eventually } from '../support/eventually.js';
import { AT } from '../support/examples.js';
import { rejectionOf } from '../support/rejection-of.js';
import { openKafka } from '../support/stack/kafka.js';
import { freshTopic } from '../support/stack/kafka-bus.js';
import { startNativeKafka } from '../support/stack/kafka-native.js';
import { orSkip, type StackServer } from '../support/stack/server.js';
import { deadLettersContract } from './dead-letters.features.js';

describe('Kafka', function () {
  this.timeout(60_000);
  let brokers = '';

  before(async function () {
    ({ address: brokers } = await orSkip(this, 'kafka', openKafka));
  });

  deadLettersContract('Kafka', async () => {
    const topic = freshTopic();
    const logger = silentLogger();
    const open = () =>
      kafkaDeadLetters({ brokers: brokers.split(','), topic, replicationFactor: 0, logger });
    const letters = await open();
    const others: (typeof letters)[] = [];
    return {
      letters,
      afterCrash: async () => {
        const other = await open();
        others.push(other);
        return other;
      },
      stop: async () => {
        for (const each of [letters, ...others]) await each.close();
      },
    };
  });
});

describe('dead letters on a broker that is down', function () {
  this.timeout(60_000);
  let kafka: StackServer | undefined;

  before(async function () {
    kafka = await orSkip(this, 'kafka', startNativeKafka, { own: true });
  });
  after(() => kafka?.stop());

  it('are refused with UnavailableError, and accepted when it is back', async () => {
    if (kafka === undefined) throw new Error('There is no broker.');
    const letters = await kafkaDeadLetters({
      brokers: [kafka.address],
      topic: freshTopic(),
      replicationFactor: 0,
      logger: silentLogger(),
      publishTimeoutMs: 2_000,
    });
    const letter = { stream: 'anime-1', source: 's', reason: 'r', value: null, at: AT };
    await letters.add({ ...letter, revision: 0 });
    await kafka.kill();
    const refused = await rejectionOf(letters.add({ ...letter, revision: 1 }));
    expect(refused).to.be.instanceOf(UnavailableError);
    await kafka.start();
    await eventually(() => letters.add({ ...letter, revision: 1 }), { withinMs: 30_000 });
    // It becomes leader of no group before it has fetched their metadata.
    const listed = await eventually(() => letters.list(10), { withinMs: 30_000 });
    expect(listed.map(({ revision }) => revision)).to.deep.equal([0, 1]);
    await letters.close();
    await letters.close();
    expect(await rejectionOf(letters.add({ ...letter, revision: 2 }))).to.be.instanceOf(
      UnavailableError,
    );
  });
});
