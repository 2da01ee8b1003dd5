import { LRUCache } from 'lru-cache';
import { v5 } from 'uuid';
import type { LogRecord, RawEvent } from '../log/event-log.js';
import { checkEvents, checkStream } from '../log/appends.js';
import type { EmittedWrite, ProjectionStore } from '../log/projection-store.js';
import type { EmittedMessage } from './protocol.js';
import type { ProjectionSources } from './sandbox-definition.js';

/** Why a projection cannot write to a stream. */
export class EmitError extends Error {
  override readonly name = 'EmitError';
}

export interface EmittingProjection {
  readonly id: number;
  readonly name: string;
  readonly run: number;
  readonly version: number;
  readonly epoch: number;
}

/** The namespace of the ids of emitted events: the same effect has the same id each time it is computed. */
const EMITTED = '5d0fbb3c-7d0c-4d6e-9a7f-0c2f0d1f8f11';
/** The version of EventStoreDB's projections whose metadata these are. */
const SYSTEM_VERSION = 4;
const KNOWN_STREAMS = 10_000;
const MAX_EVENT_BYTES = 1024 * 1024;

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
 * Turns what a projection emits into events. The first one of a run to a stream of an earlier run hides what is
 * in it; a stream of others is refused.
 */
export const createEmittedWrites = (store: ProjectionStore) => {
  /** Streams whose last event is of the present run. */
  const known = new LRUCache<string, true>({ max: KNOWN_STREAMS });

  return (
    projection: EmittingProjection,
    sources: ProjectionSources,
    emitted: readonly EmittedMessage[],
  ): EmittedWrite[] => {
    const { id, run, version, epoch } = projection;
    const results = resultStreamsOf(projection, sources);
    const writes = new Map<string, EmittedWrite & { events: RawEvent[]; next: bigint }>();

    const writeTo = (stream: string) => {
      const found = writes.get(stream);
      if (found !== undefined) return found;
      assertValid(() => checkStream(stream), stream);
      const last = store.lastOf(stream);
      if (last === 'deleted') {
        throw new EmitError(`Stream ${stream} is deleted. Cannot emit events to it`);
      }
      const key = `${run}@${stream}`;
      const isOurs = last === undefined || known.has(key) || isOfRun(last, stream, projection);
      known.set(key, true);
      const write = {
        stream,
        truncates: !isOurs,
        events: [] as RawEvent[],
        next: last === undefined ? 0n : last.revision + 1n,
      };
      writes.set(stream, write);
      return write;
    };

    const add = (
      message: EmittedMessage,
      stream: string,
      type: string,
      data: string,
      n: number,
    ) => {
      const write = writeTo(stream);
      const { tag, causedBy, correlationId, metadata } = message;
      const own = metadata === null || metadata === '{}' ? '' : `,${metadata.slice(1, -1)}`;
      const cause =
        (causedBy === '' ? '' : `,"$causedBy":"${causedBy}"`) +
        (correlationId === undefined ? '' : `,"$correlationId":${correlationId}`);
      const text = `{"$v":"${id}:${epoch}:${version}:${SYSTEM_VERSION}",${tag}${own}${cause}}`;
      const event = {
        id: v5(`${id}:${run}:${tag}:${message.index}:${n}`, EMITTED),
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
    return [...writes.values()];
  };
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
