import type streams from '@eventstore/db-client/generated/streams_pb.js';
import type { RawEvent } from '../log/event-log.js';
import { uuidOf } from './identifiers.js';
import { invalidArgument, requiredMetadataPropertyMissing } from './rpc-error.js';

type ProposedMessage = streams.AppendReq.ProposedMessage | streams.BatchAppendReq.ProposedMessage;

const MAX_TYPE_BYTES = 8 * 1024;

/** Collects the events of one append, and none beyond what an append may hold. */
export const createProposal = (maxAppendBytes: number) => {
  const events: RawEvent[] = [];
  let bytes = 0;
  return {
    events: events as readonly RawEvent[],
    get tooLarge() {
      return bytes > maxAppendBytes;
    },
    add(message: ProposedMessage): void {
      const event = rawEvent(message);
      bytes += sizeOf(event);
      if (bytes <= maxAppendBytes) events.push(event);
    },
  };
};

export type Proposal = ReturnType<typeof createProposal>;

/** As the server counts it: two bytes for a character of the type. */
const sizeOf = ({ type, data, metadata }: RawEvent): number =>
  data.length + metadata.length + 2 * type.length;

/** Copies the bytes: what was parsed are views that would keep the whole request in memory. */
const rawEvent = (message: ProposedMessage): RawEvent => ({
  id: uuidOf(message.getId(), 'An event id'),
  type: typeOf(message),
  data: message.getData_asU8().slice(),
  metadata: message.getCustomMetadata_asU8().slice(),
  isJson: required(message, 'content-type') === 'application/json',
});

const typeOf = (message: ProposedMessage): string => {
  const type = required(message, 'type');
  if (!type.isWellFormed() || type.includes('\0') || Buffer.byteLength(type) > MAX_TYPE_BYTES) {
    throw invalidArgument(
      `An event type is well-formed text of at most ${MAX_TYPE_BYTES} bytes without NUL.`,
    );
  }
  return type;
};

const required = (message: ProposedMessage, property: 'type' | 'content-type'): string => {
  const value = message.getMetadataMap().get(property);
  if (value === undefined || value === '') throw requiredMetadataPropertyMissing(property);
  return value;
};
