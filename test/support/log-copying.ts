import { randomUUID } from 'node:crypto';
import { createEmbeddedEventStore } from '../../src/adapters/embedded/event-store.js';
import { createEventStoreDbStore } from '../../src/adapters/eventstoredb/event-store.js';
import { startGrpcServer } from '../../src/embedded-eventstore/grpc/server.js';
import type { EventLog } from '../../src/embedded-eventstore/log/event-log.js';
import { copyLog } from '../../src/jobs/log-copy/copy-log.js';
import { isForCopy, isPlaceholder } from '../../src/jobs/log-copy/copied-events.js';
import { serverTarget } from '../../src/jobs/log-copy/server-target.js';
import { createPatience, embeddedTarget, type LogTarget } from '../../src/jobs/log-copy/target.js';
import { silentLogger } from '../../src/platform/observability/logger.js';
import type { EventStore, RecordedEvent } from '../../src/ports/event-store.js';
import { asOriginal } from '../../src/wire/original-time.js';
import { metadataEvent, rawEvent, rawEvents, temporaryLog } from './event-log.js';

/** When the events of the source were made. */
const LONG_AGO = Date.parse('2020-02-29T23:59:59.123Z');

/** A log with a history of every kind, recorded long ago, in streams whose names begin so. */
export const awkwardLog = async (prefix = '') => {
  const of = (stream: string): string => `${prefix}${stream}`;
  const given = await temporaryLog({
    now: () => LONG_AGO,
    scavenge: { everyMs: 60_000, minAgeMs: 60_000 },
  });
  const { log } = given;
  await log.append('log-identity', 'no_stream', [
    rawEvent({ type: 'LogIdentified', data: Buffer.from(`{"logId":"${prefix}the-source"}`) }),
  ]);
  for (let round = 0; round < 3; round += 1) {
    await log.append(of('anime-1'), 'any', rawEvents(2));
    await log.append(of('orders-ü 1'), 'any', rawEvents(1));
    await log.append('bridge-checkpoint-x', 'any', rawEvents(1));
    await log.append('snapshot-anime-1-f', 'any', rawEvents(1));
  }
  await log.append(of('raw-1'), 'any', [
    rawEvent({ data: Buffer.from([0, 1, 255]), metadata: Buffer.alloc(0), isJson: false }),
    rawEvent({ data: Buffer.from('{ "a": 12345678901234567890,\n"b": null }') }),
    rawEvent({ metadata: Buffer.from('{ "$correlationId": "x" }') }),
    rawEvent({ metadata: Buffer.from('[1]') }),
    rawEvent({ type: '$>', data: Buffer.from(`0@${of('anime-1')}`), isJson: false }),
  ]);
  await log.append(of('limited-1'), 'any', rawEvents(5));
  await log.append(`$$${of('limited-1')}`, 'any', [metadataEvent({ $maxCount: 2, team: 'a' })]);
  await log.append(of('truncated-1'), 'any', rawEvents(4));
  await log.append(`$$${of('truncated-1')}`, 'any', [metadataEvent({ $tb: 3 })]);
  await log.append(of('deleted-1'), 'any', rawEvents(2));
  await log.softDelete(of('deleted-1'), 'any');
  await log.append(of('revived-1'), 'any', rawEvents(2));
  await log.softDelete(of('revived-1'), 'any');
  await log.append(of('revived-1'), 'any', rawEvents(2));
  await log.append(of('ended-1'), 'any', rawEvents(2));
  await log.tombstone(of('ended-1'), 'any');
  // As it is after a scavenge.
  await log.append(`$$${of('scavenged-1')}`, 'any', [metadataEvent({ $maxCount: 3 })]);
  await log.copy(laterEvents(of('scavenged-1'), 7, 3));
  return given;
};

/** Events that begin at a revision above 0. */
export const laterEvents = (stream: string, from: number, count: number) =>
  rawEvents(count).map((event, index) => ({
    ...event,
    stream,
    revision: BigInt(from + index),
    created: LONG_AGO,
  }));

const never = new AbortController().signal;

/** Collects what a job says. */
export const recordingOutput = () => {
  const printed: string[] = [];
  let reported: Readonly<Record<string, unknown>> = {};
  return {
    printed,
    reported: () => reported,
    print: (text: string) => void printed.push(text),
    report: (data: typeof reported) => void (reported = data),
    progress: () => undefined,
  };
};

export const runCopy = async (source: EventStore, target: LogTarget, signal = never) => {
  const output = recordingOutput();
  const equal = await copyLog({ source, target, signal, output });
  return { equal, printed: output.printed, ...output.reported() };
};

export interface CopyTarget {
  readonly target: LogTarget;
  readonly log: EventLog;
  readonly stop: () => Promise<void>;
}

export const embeddedCopyTarget = async (): Promise<CopyTarget> => {
  const given = await temporaryLog();
  const target = embeddedTarget(given.log, createEmbeddedEventStore(given.log), never);
  return { target, log: given.log, stop: given.remove };
};

/** An event store behind EventStoreDB's protocol, as a server is. */
export const serverCopyTarget = async (
  wrap = (store: EventStore): EventStore => store,
): Promise<CopyTarget & { readonly address: string }> => {
  const given = await temporaryLog();
  const logger = silentLogger();
  const server = await startGrpcServer({ log: given.log, port: 0, logger });
  const address = `esdb://127.0.0.1:${server.port}?tls=false`;
  const store = createEventStoreDbStore({ connectionString: address, logger });
  const target = serverTarget(wrap(store), never, createPatience(never, { baseMs: 1, maxMs: 2 }));
  const stop = async () => {
    await store.close();
    await server.close();
    await given.remove();
  };
  return { target, log: given.log, address, stop };
};

/** What is to be the same on both sides, in log order. */
export const copiedEvents = async (store: EventStore) => {
  const events = await store.readAll({ direction: 'forwards', limit: 10_000 });
  return events
    .filter((event) => isForCopy(event) && !isPlaceholder(event))
    .map(asOriginal)
    .map(comparable);
};

const comparable = ({ stream, revision, id, type, isJson, ...event }: RecordedEvent) => ({
  ...{ stream, revision, id, type, isJson },
  recordedAt: event.recordedAt,
  data: Buffer.from(event.data).toString('latin1'),
  metadata: Buffer.from(event.metadata).toString('latin1'),
});

/** Of a stream, by what a reader sees. */
export const seenRevisions = async (store: EventStore, stream: string): Promise<number[]> => {
  const seen: number[] = [];
  for await (const { revision } of store.read(stream)) seen.push(Number(revision));
  return seen;
};

export const oneMore = (log: EventLog, stream: string, id = randomUUID()) =>
  log.append(stream, 'any', [rawEvent({ id })]);
