import type { ReadResp } from '@eventstore/db-client/generated/streams_pb.js';
import type { UUID } from '@eventstore/db-client/generated/shared_pb.js';
import type { Position, RecordedEvent } from '../../ports/event-store.js';

type Recorded = ReadResp.ReadEvent.RecordedEvent;

/** Data and metadata stay the bytes that are stored. */
export const recordedEvent = (recorded: Recorded): RecordedEvent => {
  const properties = recorded.getMetadataMap();
  return {
    stream: text(recorded.getStreamIdentifier()?.getStreamName_asU8()),
    revision: BigInt(recorded.getStreamRevision()),
    id: uuidText(recorded.getId()),
    type: properties.get('type') ?? '',
    data: recorded.getData_asU8(),
    metadata: recorded.getCustomMetadata_asU8(),
    isJson: properties.get('content-type') === 'application/json',
    position: positionOf(recorded),
    recordedAt: milliseconds(properties.get('created')),
  };
};

export const positionOf = (place: {
  getCommitPosition(): string;
  getPreparePosition(): string;
}): Position => ({
  commit: BigInt(place.getCommitPosition()),
  prepare: BigInt(place.getPreparePosition()),
});

const text = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('utf8');

/** From ticks of 100 ns, as text: as a number they would not be exact. */
const milliseconds = (ticks: string | undefined): number => Number(ticks?.slice(0, -4) ?? 0);

/** A server may answer an id in two halves, even where it was sent as text. */
export const uuidText = (uuid: UUID | undefined): string => {
  const halves = uuid?.getStructured();
  if (halves === undefined) return uuid?.getString() ?? '';
  const hex = [halves.getMostSignificantBits(), halves.getLeastSignificantBits()]
    .map((half) => BigInt.asUintN(64, BigInt(half)).toString(16).padStart(16, '0'))
    .join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
};
