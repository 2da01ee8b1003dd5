import kafkajs from 'kafkajs';
import { PortError, TooLargeError, UnavailableError } from '../../ports/errors.js';

// At run time the error classes are properties of the default export alone.
const { KafkaJSAggregateError, KafkaJSError, KafkaJSNotImplemented } = kafkajs;

/** What a failure of kafkajs means to the caller of the port. A bug stays what it is. */
export const busError = (error: unknown): unknown => {
  if (error instanceof PortError) return error;
  const cause = originOf(error);
  if (!(cause instanceof KafkaJSError)) return cause;
  const type = brokerErrorOf(cause);
  const options = { cause, context: { type: type ?? cause.name, detail: cause.message } };
  if (type !== undefined && SIZE_ERRORS.includes(type)) {
    return new TooLargeError('A record is larger than Kafka takes.', options);
  }
  if (
    type?.endsWith('_AUTHORIZATION_FAILED') === true ||
    ACCESS_ERRORS.includes(type ?? cause.name)
  ) {
    return new PortError('ACCESS_DENIED', 'Kafka denies access.', false, options);
  }
  if (NOT_SUPPORTED.includes(type ?? cause.name)) {
    return new PortError('NOT_SUPPORTED', 'Kafka refuses the request.', false, options);
  }
  if (type === undefined && MISUSE.includes(cause.name)) return cause;
  return new UnavailableError('Kafka does not answer as it should.', options);
};

export const busClosed = () => new UnavailableError('The bus is closed.');

export const isUnknownTopic = (error: unknown): boolean =>
  brokerErrorOf(originOf(error)) === 'UNKNOWN_TOPIC_OR_PARTITION';

/** Records that this client can never read: a new consumer would fail in the same way. */
export const isHopeless = (error: unknown): boolean =>
  originOf(error) instanceof KafkaJSNotImplemented;

const SIZE_ERRORS: readonly string[] = ['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE'];
const ACCESS_ERRORS: readonly string[] = [
  'KafkaJSSASLAuthenticationError',
  'SASL_AUTHENTICATION_FAILED',
  'ILLEGAL_SASL_STATE',
  'UNSUPPORTED_SASL_MECHANISM',
  'SECURITY_DISABLED',
];
const NOT_SUPPORTED: readonly string[] = [
  'INVALID_TOPIC_EXCEPTION',
  'INVALID_PARTITIONS',
  'INVALID_CONFIG',
  'POLICY_VIOLATION',
  'UNSUPPORTED_VERSION',
  'UNSUPPORTED_COMPRESSION_TYPE',
  'UNSUPPORTED_FOR_MESSAGE_FORMAT',
  'KafkaJSNotImplemented',
  'KafkaJSServerDoesNotSupportApiKey',
];
/** Arguments that kafkajs refuses, and what it says is a bug of its own. */
const MISUSE: readonly string[] = ['KafkaJSNonRetriableError', 'KafkaJSInvariantViolation'];

/** kafkajs wraps what it retried and what it did not, a TypeError included, in errors of its own. */
const originOf = (error: unknown): unknown => {
  if (error instanceof KafkaJSAggregateError) return originOf(error.errors[0]);
  if (!(error instanceof KafkaJSError)) return error;
  const { cause } = error as { readonly cause?: unknown };
  return cause instanceof Error ? originOf(cause) : error;
};

/** The broker's own name for it. */
const brokerErrorOf = (error: unknown): string | undefined => {
  const { type } = (error ?? {}) as { readonly type?: unknown };
  return typeof type === 'string' ? type : undefined;
};
