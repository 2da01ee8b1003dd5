import streams from '@eventstore/db-client/generated/streams_pb.js';
import type { LogRecord } from '../log/event-log.js';
import { identifierOf, uuidMessage } from './identifiers.js';

const { ReadResp } = streams;

export type UuidForm = 'string' | 'structured';

/** An event, the link that was followed to it, or a link that could not be resolved. */
export interface Resolved {
  readonly event?: LogRecord;
  readonly link?: LogRecord;
}

export const eventResponse = ({ event, link }: Resolved, form: UuidForm): streams.ReadResp => {
  const read = new ReadResp.ReadEvent();
  if (event !== undefined) read.setEvent(recordedEventMessage(event, form));
  if (link !== undefined) read.setLink(recordedEventMessage(link, form));
  const original = link ?? event;
  if (original !== undefined) read.setCommitPosition(original.position.toString());
  return new ReadResp().setEvent(read);
};

const recordedEventMessage = (
  record: LogRecord,
  form: UuidForm,
): streams.ReadResp.ReadEvent.RecordedEvent => {
  const position = record.position.toString();
  const recorded = new ReadResp.ReadEvent.RecordedEvent();
  recorded.setId(uuidMessage(record.id, form));
  recorded.setStreamIdentifier(identifierOf(record.stream));
  recorded.setStreamRevision(record.revision.toString());
  recorded.setCommitPosition(position);
  recorded.setPreparePosition(position);
  recorded.setData(record.data);
  recorded.setCustomMetadata(record.metadata);
  const metadata = recorded.getMetadataMap();
  metadata.set('type', record.type);
  metadata.set('content-type', record.isJson ? 'application/json' : 'application/octet-stream');
  metadata.set('created', (BigInt(record.created) * TICKS_PER_MILLISECOND).toString());
  return recorded;
};

/** .NET counts time in units of 100 ns. */
const TICKS_PER_MILLISECOND = 10_000n;

export const streamNotFound = (stream: string): streams.ReadResp => {
  const notFound = new ReadResp.StreamNotFound().setStreamIdentifier(identifierOf(stream));
  return new ReadResp().setStreamNotFound(notFound);
};

/** Tells where the visible part of a stream begins, for a read that starts elsewhere. */
export const firstStreamPosition = (revision: bigint): streams.ReadResp =>
  new ReadResp().setFirstStreamPosition(revision.toString());

export const lastStreamPosition = (revision: bigint): streams.ReadResp =>
  new ReadResp().setLastStreamPosition(revision.toString());

export const confirmation = (subscriptionId: string): streams.ReadResp =>
  new ReadResp().setConfirmation(
    new ReadResp.SubscriptionConfirmation().setSubscriptionId(subscriptionId),
  );

export const checkpoint = (position: bigint): streams.ReadResp => {
  const reached = new ReadResp.Checkpoint();
  reached.setCommitPosition(position.toString());
  reached.setPreparePosition(position.toString());
  return new ReadResp().setCheckpoint(reached);
};

export const caughtUp = (): streams.ReadResp => new ReadResp().setCaughtUp(new ReadResp.CaughtUp());
