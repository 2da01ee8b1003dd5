import type { BatchOptions, BatchRequest } from './batch-messages.js';
import type { Expected, RawEvent } from '../log/event-log.js';
import { expectedRevision, writableStreamIn } from './request-shapes.js';
import { invalidArgument, requiredMetadataPropertyMissing } from './rpc-error.js';

/** An event as a client sent it; its bytes are views of the request. */
export interface ProposedEvent {
  readonly id: string;
  readonly type: string;
  readonly contentType: string;
  readonly data: Uint8Array;
  readonly metadata: Uint8Array;
}

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

/** Copies the bytes, in one piece: the parsed views would keep the whole request in memory. */
const rawEvent = ({ id, type, contentType, data, metadata }: ProposedEvent): RawEvent => {
  required(type, 'type');
  if (!type.isWellFormed() || type.includes('\0') || Buffer.byteLength(type) > MAX_TYPE_BYTES) {
    throw invalidArgument(
      `An event type must be well-formed text of at most ${MAX_TYPE_BYTES} bytes without NUL.`,
    );
  }
  required(contentType, 'content-type');
  const bytes = new Uint8Array(data.length + metadata.length);
  bytes.set(data);
  bytes.set(metadata, data.length);
  return {
    id,
    type,
    data: bytes.subarray(0, data.length),
    metadata: bytes.subarray(data.length),
    isJson: contentType === 'application/json',
  };
};

const required = (value: string, property: 'type' | 'content-type'): void => {
  if (value === '') throw requiredMetadataPropertyMissing(property);
};

const MAX_UNFINISHED = 64;

/** An append of a batch call, complete or still receiving events. */
export interface PendingAppend {
  /** The bytes of a `UUID`. */
  readonly correlationId: Uint8Array | undefined;
  readonly stream: string;
  readonly expected: Expected;
  readonly proposal: Proposal;
  readonly deadlineAt: number;
}

/** The append that a request starts; undefined if the request has no options. */
export const openedBy = (
  { correlationId, options }: BatchRequest,
  limits: { readonly maxAppendBytes: number; readonly appendTimeoutMs: number },
): PendingAppend | undefined => {
  if (options === undefined) return undefined;
  return {
    correlationId,
    stream: writableStreamIn(options.streamName),
    expected: expectedIn(options),
    proposal: createProposal(limits.maxAppendBytes),
    deadlineAt: Math.min(
      options.deadline ?? Number.POSITIVE_INFINITY,
      Date.now() + limits.appendTimeoutMs,
    ),
  };
};

const expectedIn = ({ expected }: BatchOptions): Expected =>
  typeof expected === 'string' ? expected : expectedRevision(expected);

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
