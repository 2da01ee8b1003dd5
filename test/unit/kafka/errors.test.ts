import { expect } from 'chai';
import kafkajs from 'kafkajs';
import { busError, isHopeless, isUnknownTopic } from '../../../src/adapters/kafka/client.js';
import { PortError, TooLargeError, UnavailableError } from '../../../src/ports/errors.js';

const {
  KafkaJSConnectionError,
  KafkaJSError,
  KafkaJSNonRetriableError,
  KafkaJSNotImplemented,
  KafkaJSNumberOfRetriesExceeded,
  KafkaJSProtocolError,
  KafkaJSRequestTimeoutError,
  KafkaJSSASLAuthenticationError,
} = kafkajs;

/** Their declarations leave out what the constructors take. */
const make = (type: unknown, ...args: unknown[]): Error =>
  Reflect.construct(type as new (...given: unknown[]) => Error, args);

const protocolError = (type: string, retriable = false) =>
  new KafkaJSProtocolError(Object.assign(new Error(type), { type, code: 1, retriable }));

const afterRetries = (cause: Error) =>
  new KafkaJSNumberOfRetriesExceeded(cause, { retryCount: 5, retryTime: 1 });

const codeOf = (error: unknown): unknown => {
  const mapped = busError(error);
  return mapped instanceof PortError ? [mapped.code, mapped.retriable] : mapped;
};

describe('errors of Kafka', () => {
  it('distinguish a record that is too large from a broker that does not respond', () => {
    expect(busError(protocolError('MESSAGE_TOO_LARGE'))).to.be.instanceOf(TooLargeError);
    expect(busError(protocolError('RECORD_LIST_TOO_LARGE'))).to.be.instanceOf(TooLargeError);
    for (const failure of [
      new KafkaJSConnectionError('Connection error: ECONNREFUSED'),
      new KafkaJSRequestTimeoutError('Request timed out'),
      protocolError('NOT_LEADER_FOR_PARTITION', true),
      protocolError('OUT_OF_ORDER_SEQUENCE_NUMBER'),
      protocolError('UNKNOWN_PRODUCER_ID'),
      protocolError('INVALID_REPLICATION_FACTOR'),
    ]) {
      expect(busError(failure)).to.be.instanceOf(UnavailableError);
      expect(busError(afterRetries(failure))).to.be.instanceOf(UnavailableError);
    }
  });

  it('report denied access as not retriable', () => {
    expect(codeOf(protocolError('TOPIC_AUTHORIZATION_FAILED'))).to.deep.equal([
      'ACCESS_DENIED',
      false,
    ]);
    expect(codeOf(protocolError('GROUP_AUTHORIZATION_FAILED'))).to.deep.equal([
      'ACCESS_DENIED',
      false,
    ]);
    const refused = make(KafkaJSSASLAuthenticationError, 'SASL PLAIN authentication failed');
    expect(codeOf(refused)).to.deep.equal(['ACCESS_DENIED', false]);
  });

  it('report what the server does not support', () => {
    for (const type of ['UNSUPPORTED_VERSION', 'INVALID_TOPIC_EXCEPTION', 'POLICY_VIOLATION']) {
      expect(codeOf(protocolError(type))).to.deep.equal(['NOT_SUPPORTED', false]);
    }
  });

  it('keep the name of the broker and no secret', () => {
    const mapped = busError(afterRetries(protocolError('REQUEST_TIMED_OUT', true)));
    if (!(mapped instanceof PortError)) throw new Error('It is not mapped.');
    expect(mapped.context).to.deep.equal({
      type: 'REQUEST_TIMED_OUT',
      detail: 'REQUEST_TIMED_OUT',
    });
  });

  it('pass a bug on, however often it was wrapped', () => {
    const bug = new TypeError('x is not a function');
    expect(busError(bug)).to.equal(bug);
    expect(busError(make(KafkaJSNonRetriableError, bug, { cause: bug }))).to.equal(bug);
    const misuse = new KafkaJSNonRetriableError('Invalid topic');
    expect(busError(misuse)).to.equal(misuse);
    const ours = new UnavailableError('The bus is closed.');
    expect(busError(ours)).to.equal(ours);
    expect(busError(undefined)).to.equal(undefined);
  });

  it('find a missing topic inside wrapping errors', () => {
    expect(isUnknownTopic(afterRetries(protocolError('UNKNOWN_TOPIC_OR_PARTITION')))).to.equal(
      true,
    );
    expect(isUnknownTopic(protocolError('REQUEST_TIMED_OUT'))).to.equal(false);
  });

  it('are hopeless only for what this client can never read', () => {
    expect(isHopeless(make(KafkaJSNotImplemented, 'ZSTD compression not implemented'))).to.equal(
      true,
    );
    expect(isHopeless(new KafkaJSError('Closed connection'))).to.equal(false);
    expect(isHopeless(new TypeError('x is undefined'))).to.equal(false);
  });
});
