import { setImmediate as nextTurn } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import type { LogRecord, RawEvent } from '../log/event-log.js';
import { checkEvents, checkStream } from '../log/appends.js';
import type { EmittedWrite, ProjectionStore } from '../log/projection-store.js';
import type { EmittedMessage } from './protocol.js';
import type { ProjectionSources } from './sandbox-definition.js';

/** Why a projection cannot write to a stream. */
export class EmitError extends Error {
  override readonly name = 'EmitError';
}

/** What is in a stream that the projection is going to write to. */
interface Looked {
  readonly last: number | 'deleted';
  readonly isOurs: boolean;
}

export interface EmittingProjection {
  readonly id: number;
  readonly name: string;
  readonly run: number;
  readonly version: number;
  readonly epoch: number;
}

/** The version of EventStoreDB's projection system whose metadata format this is. */
const SYSTEM_VERSION = 4;
const KNOWN_STREAMS = 10_000;
const MAX_EVENT_BYTES = 1024 * 1024;
/** Commands wait while streams are read. */
const STREAMS_PER_TURN = 4;

const resultStreamsOf = (
  { name }: EmittingProjection,
  { resultStream, partitionResultStream }: ProjectionSources,
) => {
  const all = resultStream ?? `$projections-${name}-result`;
  const pattern = partitionResultStream ?? `$projections-${name}-{0}-result`;
  return {
    all,
    of: (partition: string): string =>
      partition === '' ? all : pattern.replaceAll('{0}', () => partition),
  };
};

/**
 * Turns what a projection emits into appends. The first append of a run truncates what an earlier run left in the
 * stream; a stream that others wrote to is refused.
 */
export const createEmittedWrites = (store: ProjectionStore) => {
  /** Streams whose last event was written by the current run. */
  const known = new LRUCache<string, true>({ max: KNOWN_STREAMS });
  /** Of the streams that are about to be written to. */
  const looked = new Map<string, Looked>();

  /** Whether the stream can be appended to without truncating it first. */
  const isWritable = (stream: string, projection: EmittingProjection): boolean => {
    const last = store.lastOf(stream);
    return last === undefined || last === 'deleted' || isOfRun(last, stream, projection);
  };

  const keyOf = ({ run }: EmittingProjection, stream: string): string => `${run}@${stream}`;

  /** Reads the streams that are not known yet, a few in each turn of the event loop. */
  const look = async (
    projection: EmittingProjection,
    sources: ProjectionSources,
    emitted: readonly EmittedMessage[],
  ): Promise<void> => {
    const results = resultStreamsOf(projection, sources);
    looked.clear();
    let reads = 0;
    for (const { resultOf, stream: named } of emitted) {
      const stream = resultOf === null ? named : results.of(resultOf);
      if (known.has(keyOf(projection, stream)) || looked.has(stream)) continue;
      if (++reads % STREAMS_PER_TURN === 0) await nextTurn();
      assertValid(() => checkStream(stream), stream);
      const isOurs = isWritable(stream, projection);
      looked.set(stream, { last: store.lastRevisionOf(stream), isOurs });
    }
  };

  /** To be committed in the same turn, since it numbers the events. */
  const writes = (
    projection: EmittingProjection,
    sources: ProjectionSources,
    emitted: readonly EmittedMessage[],
  ): EmittedWrite[] => {
    const { id, version, epoch } = projection;
    const results = resultStreamsOf(projection, sources);
    const found = new Map<string, EmittedWrite & { events: RawEvent[]; next: bigint }>();

    const writeTo = (stream: string) => {
      const present = found.get(stream);
      if (present !== undefined) return present;
      assertValid(() => checkStream(stream), stream);
      const last = store.lastRevisionOf(stream);
      if (last === 'deleted') {
        throw new EmitError(`Stream ${stream} is deleted. Cannot emit events to it`);
      }
      const key = keyOf(projection, stream);
      const earlier = looked.get(stream);
      const isOurs =
        known.get(key) ??
        (earlier?.last === last ? earlier.isOurs : isWritable(stream, projection));
      known.set(key, true);
      const write = {
        stream,
        truncates: !isOurs,
        events: [] as RawEvent[],
        next: BigInt(last + 1),
      };
      found.set(stream, write);
      return write;
    };

    const add = (message: EmittedMessage, stream: string, type: string, data: string, n: 0 | 1) => {
      const write = writeTo(stream);
      const { tag, causedBy, correlationId, metadata } = message;
      const own = metadata === null || metadata === '{}' ? '' : `,${metadata.slice(1, -1)}`;
      const cause =
        (causedBy === '' ? '' : `,"$causedBy":"${causedBy}"`) +
        (correlationId === undefined ? '' : `,"$correlationId":${correlationId}`);
      const text = `{"$v":"${id}:${epoch}:${version}:${SYSTEM_VERSION}",${tag}${own}${cause}}`;
      const event = {
        id: message.ids[n] ?? '',
        type,
        isJson: type !== '$>' && message.isJson,
        data: Buffer.from(data),
        metadata: Buffer.from(text),
      };
      if (event.data.byteLength + event.metadata.byteLength > MAX_EVENT_BYTES) {
        throw new EmitError(`An event for the '${stream}' stream is larger than 1 MiB.`);
      }
      assertValid(() => checkEvents([event]), stream);
      write.events.push(event);
      return write.next++;
    };

    for (const message of emitted) {
      const { resultOf, stream, type, data } = message;
      if (resultOf === null) {
        add(message, stream, type, data, 0);
        continue;
      }
      const own = results.of(resultOf);
      const revision = add(message, own, type, data, 0);
      if (resultOf !== '') add(message, results.all, '$>', `${revision}@${own}`, 1);
    }
    return [...found.values()];
  };

  return { look, writes };
};

const assertValid = (check: () => void, stream: string): void => {
  try {
    check();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new EmitError(`The '${stream}' stream cannot be written to: ${reason}`);
  }
};

interface WrittenBy {
  readonly id: number;
  readonly version: number;
}

const writerOf = ({ metadata }: LogRecord): WrittenBy | undefined => {
  try {
    const value: unknown = JSON.parse(Buffer.from(metadata).toString('utf8'));
    if (typeof value !== 'object' || value === null) return undefined;
    const { $v } = value as { readonly $v?: unknown };
    const [id, , version] = typeof $v === 'string' ? $v.split(':').map(Number) : [];
    return id === undefined || version === undefined ? undefined : { id, version };
  } catch {
    return undefined;
  }
};

const isOfRun = (last: LogRecord, stream: string, { id, epoch }: EmittingProjection): boolean => {
  const writer = writerOf(last);
  if (writer === undefined) {
    throw new EmitError(
      `The '${stream}' stream managed by projection ${id} has been written to from the outside.`,
    );
  }
  if (writer.id !== id) {
    throw new EmitError(
      `Multiple projections emitting to the same stream detected.  Stream: '${stream}'. ` +
        `Last event projection: '${writer.id}'.  Emitting projection: '${id}'`,
    );
  }
  return writer.version >= epoch;
};
