import type shared from '@eventstore/db-client/generated/shared_pb.js';
import type streams from '@eventstore/db-client/generated/streams_pb.js';
import type { Expected, RawEvent } from '../log/event-log.js';
import { expectedOf, uuidOf, writableStreamOf } from './request-shapes.js';
import { invalidArgument, requiredMetadataPropertyMissing } from './rpc-error.js';

type ProposedEvent = streams.AppendReq.ProposedMessage | streams.BatchAppendReq.ProposedMessage;

const MAX_TYPE_BYTES = 8 * 1024;

/** Collects the events of one append, up to the maximum size. */
export const createProposal = (maxAppendBytes: number) => {
  const events: RawEvent[] = [];
  let bytes = 0;
  return {
    events: events as readonly RawEvent[],
    get tooLarge() {
      return bytes > maxAppendBytes;
    },
    add(message: ProposedEvent): void {
      const event = rawEvent(message);
      bytes += countedBytes(event);
      if (bytes <= maxAppendBytes) events.push(event);
    },
  };
};

type Proposal = ReturnType<typeof createProposal>;

/** Counted as the real server does: two bytes per character of the type. */
const countedBytes = ({ type, data, metadata }: RawEvent): number =>
  data.length + metadata.length + 2 * type.length;

/** Copies the bytes: the parsed views would keep the whole request in memory. */
const rawEvent = (message: ProposedEvent): RawEvent => ({
  id: uuidOf(message.getId(), 'An event id'),
  type: eventTypeOf(message),
  data: message.getData_asU8().slice(),
  metadata: message.getCustomMetadata_asU8().slice(),
  isJson: required(message, 'content-type') === 'application/json',
});

const eventTypeOf = (message: ProposedEvent): string => {
  const type = required(message, 'type');
  if (!type.isWellFormed() || type.includes('\0') || Buffer.byteLength(type) > MAX_TYPE_BYTES) {
    throw invalidArgument(
      `An event type must be well-formed text of at most ${MAX_TYPE_BYTES} bytes without NUL.`,
    );
  }
  return type;
};

const required = (message: ProposedEvent, property: 'type' | 'content-type'): string => {
  const value = message.getMetadataMap().get(property);
  if (value === undefined || value === '') throw requiredMetadataPropertyMissing(property);
  return value;
};

const MAX_UNFINISHED = 64;

/** An append of a batch call, complete or still receiving events. */
export interface PendingAppend {
  readonly correlationId: shared.UUID | undefined;
  readonly stream: string;
  readonly expected: Expected;
  readonly proposal: Proposal;
  readonly deadlineAt: number;
}

/** The append that a request starts; undefined if the request has no options. */
export const openedBy = (
  request: streams.BatchAppendReq,
  limits: { readonly maxAppendBytes: number; readonly appendTimeoutMs: number },
): PendingAppend | undefined => {
  const options = request.getOptions();
  if (options === undefined) return undefined;
  const revision = options.hasStreamPosition() ? options.getStreamPosition() : undefined;
  return {
    correlationId: request.getCorrelationId(),
    stream: writableStreamOf(options.getStreamIdentifier()),
    expected: expectedOf(options, revision),
    proposal: createProposal(limits.maxAppendBytes),
    deadlineAt: Math.min(deadlineOf(options), Date.now() + limits.appendTimeoutMs),
  };
};

/** The deadline as the client's clock has it, in milliseconds since the epoch. */
const deadlineOf = (options: streams.BatchAppendReq.Options): number => {
  const deadline = options.getDeadline();
  if (deadline === undefined) return Number.POSITIVE_INFINITY;
  return deadline.getSeconds() * 1000 + deadline.getNanos() / 1e6;
};

/** Appends whose last part is still missing, limited in number and time. */
export const createUnfinished = (onExpired: (append: PendingAppend) => void) => {
  const kept = new Map<string, { append: PendingAppend; expiry: NodeJS.Timeout }>();

  const take = (id: string): PendingAppend | undefined => {
    const entry = kept.get(id);
    if (entry === undefined) return undefined;
    clearTimeout(entry.expiry);
    kept.delete(id);
    return entry.append;
  };

  return {
    take,
    keep(id: string, append: PendingAppend): void {
      if (kept.size >= MAX_UNFINISHED) {
        throw invalidArgument(`At most ${MAX_UNFINISHED} appends may be incomplete at a time.`);
      }
      const expire = () => {
        take(id);
        onExpired(append);
      };
      kept.set(id, { append, expiry: setTimeout(expire, append.deadlineAt - Date.now()) });
    },
    clear(): void {
      for (const { expiry } of kept.values()) clearTimeout(expiry);
      kept.clear();
    },
  };
};
