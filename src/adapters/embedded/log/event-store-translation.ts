import { randomUUID } from 'node:crypto';
import {
  OutcomeUnknownError,
  StreamDeletedError,
  TooLargeError,
  UnavailableError,
  WrongExpectedRevisionError,
} from '../../../ports/errors.js';
import type {
  AppendResult,
  Delivery,
  ExpectedRevision,
  NewEvent,
  RecordedEvent,
} from '../../../ports/event-store.js';
import {
  EventLogError,
  type AppendOutcome,
  type LogRecord,
  type RawEvent,
  type SubscriptionItem,
} from './event-log.js';
import { METADATA_TYPE } from './stream-metadata.js';

/** Between the engine's words and the port's. */

export const toRaw = ({ id, type, data, metadata }: NewEvent): RawEvent => ({
  id,
  type,
  data: Buffer.from(JSON.stringify(data)),
  metadata: Buffer.from(JSON.stringify(metadata)),
  isJson: true,
});

export const maxCountEvent = (maxCount: number): RawEvent =>
  toRaw({
    id: randomUUID(),
    type: METADATA_TYPE,
    data: { $maxCount: maxCount },
    metadata: {},
  });

export const toRecorded = (record: LogRecord): RecordedEvent => {
  const { stream, revision, id, type, data, metadata, isJson, position, created } = record;
  return {
    stream,
    revision,
    id,
    type,
    data,
    metadata,
    isJson,
    position: { commit: position, prepare: position },
    recordedAt: created,
  };
};

/** Undefined for what a subscription to all never delivers. */
export const toDelivery = (item: SubscriptionItem): Delivery | undefined => {
  switch (item.kind) {
    case 'event':
      return { kind: 'event', event: toRecorded(item.event) };
    case 'checkpoint':
      return {
        kind: 'checkpoint',
        position: { commit: item.position, prepare: item.position },
      };
    case 'caught-up':
      return item;
    case 'deleted':
      return undefined;
  }
};

export const resultOf = (
  stream: string,
  expected: ExpectedRevision,
  outcome: AppendOutcome,
): AppendResult => {
  switch (outcome.kind) {
    case 'written':
      return {
        revision: outcome.revision,
        position: { commit: outcome.position, prepare: outcome.position },
      };
    case 'wrong-revision':
      throw new WrongExpectedRevisionError(stream, expected, outcome.actual);
    case 'deleted':
      throw new StreamDeletedError(stream);
    case 'too-large':
      throw new TooLargeError(`An append is at most ${outcome.limit} bytes.`, {
        context: { stream, limit: outcome.limit },
      });
  }
};

/** Anything but the log's own errors is a bug and stays what it is. */
export const translated = (error: unknown): unknown => {
  if (!(error instanceof EventLogError)) return error;
  const options = { cause: error, context: { reason: error.code } };
  return error.code === 'unknown'
    ? new OutcomeUnknownError(error.message, options)
    : new UnavailableError(error.message, options);
};
