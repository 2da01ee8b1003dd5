import streams from '@eventstore/db-client/generated/streams_pb.js';
import shared from '@eventstore/db-client/generated/shared_pb.js';
import type { BatchAppendReq, ReadResp } from '@eventstore/db-client/generated/streams_pb.js';
import {
  createEventStoreDbStore,
  type EventStoreDbOptions,
} from '../../../src/adapters/eventstoredb/event-store.js';
import { silentLogger } from '../../../src/platform/observability/logger.js';
import type { EventStore } from '../../../src/ports/event-store.js';
import type { WithProjections } from '../../../src/ports/projections.js';

/** Closes what a test opened, in reverse order. */
export const opened = () => {
  const toClose: (() => unknown)[] = [];
  afterEach(async () => {
    for (const close of toClose.splice(0).reverse()) await close();
  });
  return <T>(thing: T, close: (thing: T) => unknown): T => {
    toClose.push(() => close(thing));
    return thing;
  };
};

export const openStore = (
  connectionString: string,
  options: Partial<EventStoreDbOptions> = {},
): EventStore & WithProjections =>
  createEventStoreDbStore({
    connectionString,
    logger: silentLogger(),
    subscriptionBackoff: { baseMs: 20, maxMs: 200 },
    ...options,
  });

export const confirmation = (): ReadResp =>
  new streams.ReadResp().setConfirmation(
    new streams.ReadResp.SubscriptionConfirmation().setSubscriptionId('scripted'),
  );

export const eventAt = (place: bigint): ReadResp => {
  const event = new streams.ReadResp.ReadEvent.RecordedEvent()
    .setId(new shared.UUID().setString('8d0e9a5c-52f1-4a6e-9f0c-2f5f3c1d7e10'))
    .setStreamIdentifier(new shared.StreamIdentifier().setStreamName(Buffer.from('scripted')))
    .setStreamRevision(place.toString())
    .setCommitPosition(place.toString())
    .setPreparePosition(place.toString())
    .setData(Buffer.from('{}'));
  event.getMetadataMap().set('type', 'Scripted').set('content-type', 'application/json');
  return new streams.ReadResp().setEvent(new streams.ReadResp.ReadEvent().setEvent(event));
};

export const response = (request: BatchAppendReq) =>
  new streams.BatchAppendResp().setCorrelationId(request.getCorrelationId());

export const succeeded = (request: BatchAppendReq) =>
  response(request).setSuccess(
    new streams.BatchAppendResp.Success()
      .setCurrentRevision('6')
      .setPosition(new shared.AllStreamPosition().setCommitPosition('9').setPreparePosition('8')),
  );
