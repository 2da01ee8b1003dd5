import { expect } from 'chai';
import type { RecordMetadata } from 'kafkajs';
import {
  createRecordPublisher,
  type IdempotentProducer,
} from '../../../src/adapters/kafka/publisher.js';
import type { PlacedMessage } from '../../../src/adapters/kafka/record-codec.js';
import { UnavailableError } from '../../../src/ports/errors.js';
import { rejectionOf } from '../../support/rejection-of.js';

const records = (...keys: string[]) => keys.map((key) => ({ key, value: null, headers: {} }));

type Answer = () => Promise<readonly RecordMetadata[]>;
const never: Answer = () => new Promise(() => undefined);
const written =
  (...places: [partition: number, baseOffset: string][]): Answer =>
  () =>
    Promise.resolve(
      places.map(([partition, baseOffset]) => ({
        topicName: 't',
        errorCode: 0,
        partition,
        baseOffset,
      })),
    );

/** Producers that answer as told, and what became of them. */
const producers = (...answers: Answer[]) => {
  const log: string[] = [];
  let made = 0;
  let sending = 0;
  let most = 0;
  const producer = (): IdempotentProducer => {
    const name = (made += 1);
    log.push(`made ${name}`);
    return {
      send: async (messages: readonly PlacedMessage[]) => {
        log.push(`${name} sends ${messages.map(({ key }) => String(key)).join()}`);
        sending += 1;
        most = Math.max(most, sending);
        try {
          await new Promise((resolve) => setImmediate(resolve));
          return await (answers.shift() ?? written([0, '0']))();
        } finally {
          sending -= 1;
        }
      },
      cut: () => void log.push(`cut ${name}`),
      close: () => {
        log.push(`closed ${name}`);
        return Promise.resolve();
      },
    };
  };
  return { log, producer, most: () => most };
};

const publisherOf = (given: ReturnType<typeof producers>, publishTimeoutMs = 1_000) =>
  createRecordPublisher({
    producer: given.producer,
    partitionOf: (key) => Number(key[0]),
    publishTimeoutMs,
  });

describe('the publisher to Kafka', () => {
  it('sends one batch at a time, in the order of the calls', async () => {
    const given = producers();
    const publisher = publisherOf(given);
    await Promise.all(['0a', '0b', '0c'].map((key) => publisher.publish(records(key))));
    expect(given.most()).to.equal(1);
    expect(given.log).to.deep.equal(['made 1', '1 sends 0a', '1 sends 0b', '1 sends 0c']);
  });

  it('fails where a partition has no answer, and sends everything again on a new producer', async () => {
    const given = producers(written([0, '0']), written([0, '1'], [1, '0']));
    const publisher = publisherOf(given);
    const error = await rejectionOf(publisher.publish(records('0a', '1a')));
    expect(error).to.be.instanceOf(UnavailableError);
    expect(error).to.have.deep.property('context', { missing: [1] });
    await publisher.publish(records('0a', '1a'));
    expect(given.log).to.deep.equal([
      ...['made 1', '1 sends 0a,1a', 'cut 1'],
      ...['made 2', '2 sends 0a,1a'],
    ]);
  });

  it('returns the last offset of each partition that it wrote to', async () => {
    const publisher = publisherOf(producers(written([0, '40'], [2, '9007199254740993'])));
    const offsets = await publisher.publish(records('0a', '2a', '0b', '0c', '2b'));
    expect([...offsets]).to.deep.equal([
      [0, 42n],
      [2, 9_007_199_254_740_994n],
    ]);
  });

  it('continues with a new producer after any failure', async () => {
    const given = producers(() => Promise.reject(new TypeError('A bug.')));
    const publisher = publisherOf(given);
    const failed = publisher.publish(records('0a'));
    const next = publisher.publish(records('0b'));
    expect(await rejectionOf(failed)).to.be.instanceOf(TypeError);
    await next;
    expect(given.log).to.deep.equal(['made 1', '1 sends 0a', 'cut 1', 'made 2', '2 sends 0b']);
  });

  it('disconnects a late producer before the next one is created', async () => {
    const given = producers(never);
    const publisher = publisherOf(given, 20);
    const failed = publisher.publish(records('0a'));
    const next = publisher.publish(records('0b'));
    expect(await rejectionOf(failed)).to.be.instanceOf(UnavailableError);
    await next;
    expect(given.log).to.deep.equal(['made 1', '1 sends 0a', 'cut 1', 'made 2', '2 sends 0b']);
  });

  it('refuses waiting and late records once it is closed', async () => {
    const given = producers(never);
    const publisher = publisherOf(given, 60_000);
    const [late, waiting] = [publisher.publish(records('0a')), publisher.publish(records('0b'))];
    const outcomes = Promise.all([late, waiting].map((each) => rejectionOf(each)));
    await new Promise((resolve) => setImmediate(resolve));
    await publisher.close();
    for (const error of await outcomes) expect(error).to.be.instanceOf(UnavailableError);
    expect(given.log.filter((line) => line.includes('sends'))).to.deep.equal(['1 sends 0a']);
    expect(given.log).to.include('closed 1');
  });
});
